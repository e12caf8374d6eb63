import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as behaviours from "../../devnet/actors/behaviours.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { TaskStatus } from "../../src/index.ts";
import { openSqliteJournal } from "../../src/journal/sqliteJournal.ts";
import type { AccountAddress, SourceAddress, TaskAddress } from "../../src/protocol/brand.ts";
import { checksummed, toAddress } from "../../src/protocol/brand.ts";
import { type CliOptions, cli, type Transcript } from "../support/cli.ts";

let devnet: Devnet;
let directory: string;
let source: SourceAddress;

beforeAll(async () => {
  devnet = await startDevnet();
  source = await devnet.client.publishSource();
  directory = mkdtempSync(join(tmpdir(), "cli-"));
  const { gateway, rpc } = devnet;
  const lines = [
    "network: devnet",
    `rpc: { http: "${rpc.http}", pollInterval: 100ms }`,
    `payload: { gateways: ["${gateway.url}"], uploadUrl: "${gateway.url}/file/create", cacheDir: "" }`,
    `journal: { path: "${join(directory, "journal.sqlite")}" }`,
  ];
  writeFileSync(join(directory, "config.yaml"), lines.join("\n"));
});
afterAll(async () => {
  await devnet.stop();
  rmSync(directory, { recursive: true });
});

const asClient = () => ({ CLIENT_PRIVATE_KEY: devnet.accounts.client.privateKey });
const asAgent = () => ({ AGENT_PRIVATE_KEY: devnet.accounts.agent.privateKey });
const run = (words: readonly string[], options: CliOptions = {}): Promise<Transcript> =>
  cli([...words, "--config", join(directory, "config.yaml")], { cwd: directory, env: asClient(), ...options });
const statusOf = async (task: string) =>
  devnet.publicClient.readContract({
    address: task as `0x${string}`,
    abi: (await import("../../src/protocol/abi.ts")).taskAbi,
    functionName: "getStatus",
  });
async function answered(priceBps = 8_000) {
  const task = await devnet.client.publishTask({ source, config: '{"function_name":"f","data":{"text":"good"}}' });
  const provider = devnet.createProvider(behaviours.inline({ priceBps }));
  await provider.enrol(source);
  return { task: checksummed(task), response: checksummed((await provider.respondTo(task)).response), provider };
}

describe("publish", () => {
  it("shows what it would do, asks, and publishes; JSON tells the address", async () => {
    const words = [
      "publish",
      "task",
      source,
      "--function",
      "sentiment",
      "--data",
      '{"text":"great"}',
      "--payment",
      "0.05 OGPU",
    ];
    const no = await run(words, { answers: ["n"] });
    expect(no).toMatchObject({ code: 1, out: "", asked: ["Go on? [y/N] "] });
    expect(no.err).toMatch(/which freezes\s+0\.05 OGPU of the \d+ OGPU that 0x[\s\S]*nothing was sent\n$/);

    const { code, out } = await run([...words, "--yes", "--json"]);
    expect(code).toBe(0);
    const { task, frozen } = JSON.parse(out);
    expect(frozen).toBe("0.05 OGPU");
    expect(await statusOf(task)).toBe(TaskStatus.NEW);

    const cancelled = await run(["cancel", task], { answers: ["yes"], isTTY: true });
    expect(cancelled).toMatchObject({ code: 0 });
    expect(await statusOf(task)).toBe(TaskStatus.CANCELED);
    expect(await run(["cancel", task, "--yes"])).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^error TASK_CLOSED/),
    });
  });

  it("takes the input from a file, and refuses what is no input before anything is sent", async () => {
    writeFileSync(join(directory, "task.json"), '{"function_name":"f","data":[1]}');
    const terms = ["publish", "task", source, "--payment", "1 gwei", "--expires", "2h", "--yes"];
    const published = await run([...terms, "--input", "@task.json"]);
    expect(published.code).toBe(0);
    const rows = [
      [["--input", "@none.json"], "USAGE", /none\.json cannot be read \(ENOENT\)/],
      [["--data", "{"], "USAGE", /--data is not JSON/],
      [["--data", "1"], "USAGE", /--function is missing/],
      [[], "USAGE", /say what the task asks/],
      [["--url", "x", "--data", "1"], "USAGE", /one of them/],
      [["--url", "ipfs://x", "--payment", "0.05"], "AMOUNT_INVALID", /--payment: not an amount: "0\.05"/],
      [["--url", "ipfs://x", "--expires", "soon"], "USAGE", /--expires is a duration like 1h/],
      [["--url", "ipfs://x", "--expires", "2020-01-31"], "EXPIRY_PAST", /is past/],
      [["--url", "ipfs://x", "--payment", "90000 OGPU"], "VAULT_UNFUNDED", /in the Vault/],
    ] as const;
    for (const [words, code, message] of rows) {
      const { err, code: exit } = await run([...terms, ...words]);
      expect(err).toMatch(new RegExp(`error ${code}: `));
      expect(err).toMatch(message);
      expect(exit).toBe(code === "VAULT_UNFUNDED" ? 1 : 78);
    }
  });

  it("publishes a source for the client whose agent signs", async () => {
    const words = [
      "publish",
      "source",
      "--name",
      "a",
      "--min-payment",
      "0.1 OGPU",
      "--cpu",
      "https://a.example/b.yml",
      "--json",
      "--yes",
    ];
    const mine = devnet.accounts.client.address;
    const { out } = await run([...words, "--client", mine], { env: asAgent() });
    const made = JSON.parse(out).source;
    const listed = await run(["tasks", made, "--json"]);
    expect(JSON.parse(listed.out)).toEqual([]);
    expect(await run([...words.slice(0, 4)])).toMatchObject({
      code: 78,
      err: expect.stringMatching(/--min-payment .* is missing/),
    });
  });
});

describe("tasks", () => {
  it("says where a source has more than it lists", async () => {
    for (const text of ["one", "two"])
      await devnet.client.publishTask({ source, config: `{"function_name":"f","data":{"text":"${text}"}}` });
    const { out, err } = await run(["tasks", source, "--limit", "1"]);
    expect(out.trim().split("\n")).toHaveLength(2);
    expect(err).toBe("there are more: these are the newest 1, and --limit shows up to 1000\n");
    expect((await run(["tasks", source, "--limit", "1000"])).err).toBe("");
  });
});

describe("responses and confirm", () => {
  it("list what providers ask, and pay one after a question", async () => {
    const { task, response, provider } = await answered();
    const listed = await run(["responses", task, "--json"]);
    expect(JSON.parse(listed.out)).toMatchObject({
      task,
      pays: "1 OGPU",
      status: "RESPONDED",
      responses: [{ response, provider: provider.address, price: "0.8 OGPU", state: "SUBMITTED" }],
    });
    const plain = await run(["responses", task]);
    expect(plain.out.split("\n")[0]).toBe("RESPONSE\tPROVIDER\tPRICE\tSTATE\tSUBMITTED\tDATA");
    const pretty = await run(["responses", task], { isTTY: true });
    expect(pretty.out).toContain("\u001b[1mRESPONSE\u001b[22m  ");
    expect((await run(["responses", task], { isTTY: true, env: { NO_COLOR: "1" } })).out).not.toContain("\u001b");

    expect(await run(["confirm", response])).toMatchObject({ code: 78, err: expect.stringMatching(/needs --yes/) });
    expect(await run(["confirm", response, "--max-payment", "0.5 OGPU", "--yes"])).toMatchObject({
      code: 1,
      err: expect.stringMatching(/error PAYMENT_ABOVE_LIMIT: the response 0x\w+ asks 0\.8 OGPU, more than 0\.5 OGPU/),
    });
    const paid = await run(["confirm", response, "--json"], { env: asAgent(), answers: ["y"] });
    expect(paid.err).toMatch(/which pays\s+0\.8 OGPU of 1 OGPU[\s\S]*It cannot be undone/);
    expect(JSON.parse(paid.out)).toMatchObject({ response, task, paid: "0.8 OGPU", nonce: expect.any(Number) });
    expect(await statusOf(task)).toBe(TaskStatus.FINALIZED);
    expect(await run(["confirm", response, "--yes"])).toMatchObject({
      code: 1,
      err: expect.stringMatching(/ALREADY_CONFIRMED/),
    });
  });

  it("show a stranger's text on one line, without what a terminal would obey", async () => {
    const task = await devnet.client.publishTask({ source, config: "{}" });
    const provider = devnet.createProvider(behaviours.inline());
    await provider.enrol(source);
    await provider.attempt(task as TaskAddress, 1n);
    await provider.submit(task, "\u001b[2Jgone\r\nsecond\u202eline", 1n);
    const { out } = await run(["responses", task], { isTTY: true, env: { NO_COLOR: "1" } });
    expect(out).toMatch(/ {2} \[2Jgone second line\n$/);
  });
});

describe("agent", () => {
  it("authorises, shows and revokes", async () => {
    const helper = (await devnet.account("cli-helper")).address;
    expect(await run(["agent", "show", helper])).toMatchObject({ code: 1, out: expect.stringMatching(/may not act/) });
    expect(await run(["agent", "set", helper, "--yes"])).toMatchObject({ code: 0 });
    expect(await run(["agent", "show", helper, "--json"])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/"authorised": true/),
    });
    expect(await run(["agent", "revoke", helper, "--yes"])).toMatchObject({ code: 0 });
    expect(await run(["agent", "show", helper, devnet.accounts.client.address], { env: {} })).toMatchObject({
      code: 1,
    });
    const again = await run(["agent", "revoke", helper, "--yes"]);
    expect(again).toMatchObject({
      code: 78,
      out: "",
      err: expect.stringMatching(/is no agent of .*nothing was revoked/),
    });
    const byAgent = ["agent", "revoke", helper, "--yes"];
    expect(await run(byAgent, { env: asAgent() })).toMatchObject({
      code: 78,
      err: again.err.replace(devnet.accounts.client.address, devnet.accounts.agent.address),
    });
    // The daemon's configuration names the agent's key: whoever asks for the client's is not to sign with that one.
    const agentKey = join(directory, "agent-key");
    writeFileSync(agentKey, devnet.accounts.agent.privateKey, { mode: 0o600 });
    const words = ["agent", "set", helper, "--yes", "--signer-role", "client"];
    expect(await run(words, { env: { ...asClient(), OGPU_SIGNER_KEY_FILE: agentKey } })).toMatchObject({
      code: 78,
      err: expect.stringMatching(/^error KEY_MISSING: .*--signer-key-file FILE$/m),
    });
    expect(await run(["agent", "show", helper, devnet.accounts.agent.address])).toMatchObject({ code: 1 });
    const typo = helper.replace(/[A-F]/, (letter) => letter.toLowerCase());
    expect(await run(["agent", "set", typo])).toMatchObject({
      code: 78,
      err: expect.stringContaining(`its capitals would be ${helper}`),
    });
  });
});

describe("nonce", () => {
  it("tells where a key stands, and mends a gap after a question", async () => {
    const stuck = await devnet.account("cli-stuck");
    const env = { CLIENT_PRIVATE_KEY: stuck.privateKey };
    const idle = await run(["nonce", "info", "--json"], { env });
    expect(JSON.parse(idle.out)).toMatchObject({ minedNonce: 0, pendingCount: 0, waiting: [] });
    const raw = await stuck.signTransaction({
      ...{ chainId: devnet.chainId, type: "eip1559", to: stuck.address, nonce: 1, gas: 21_000n },
      ...{ maxFeePerGas: 100_000_000_000n, maxPriorityFeePerGas: 1n },
    });
    await devnet.publicClient.sendRawTransaction({ serializedTransaction: raw });
    const waiting = await run(["nonce"], { env });
    expect(waiting.out).toMatch(/meaning\tnothing waits in nonce 0, which must be mined first; 1 behind it/);
    expect(waiting.out).toMatch(
      /0\tgap\t-\t-\tnothing\n1\tbehind\t100 gwei\tunknown: not signed here\ta transfer of nothing/,
    );
    expect(await run(["nonce", "fix"], { env, answers: ["no"] })).toMatchObject({
      code: 1,
      err: expect.stringMatching(/0\tfill\tnothing waits in it/),
    });
    expect(await run(["nonce", "fix"], { env })).toMatchObject({ code: 78, err: expect.stringMatching(/needs --yes/) });
    const fixed = await run(["nonce", "fix", "--yes"], { env });
    expect(fixed.out).toMatch(/^nonce 0: fill, 0x\w{64}\nmended; the next free nonce is 2\n$/);
    expect(await run(["nonce", "fix"], { env })).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^nothing is stuck that could be mended: nothing waits/),
    });
    expect(await run(["nonce", "reset"], { env })).toMatchObject({
      code: 0,
      out: expect.stringMatching(/the next nonce of 0x\w+ is 2/),
    });
    expect(await run(["nonce", "info"], { env: {} })).toMatchObject({
      code: 78,
      err: expect.stringMatching(/KEY_MISSING/),
    });
  });
});

describe("nonce fix", () => {
  it("leaves alone what changed while its question stood, and calls nothing mended that is not", async () => {
    const owner = await devnet.account("cli-late");
    const env = { CLIENT_PRIVATE_KEY: owner.privateKey };
    const transfer = async (nonce: number) => {
      const raw = await owner.signTransaction({
        ...{ chainId: devnet.chainId, type: "eip1559", to: owner.address, nonce, gas: 21_000n },
        ...{ maxFeePerGas: 100_000_000_000n, maxPriorityFeePerGas: 1n },
      });
      return await devnet.publicClient.sendRawTransaction({ serializedTransaction: raw });
    };
    await transfer(1);
    await transfer(3);
    const late = async () => {
      // Only what is mined is seen for sure: while anvil mines, it is neither in the pool nor in a block.
      await devnet.publicClient.waitForTransactionReceipt({ hash: await transfer(0) });
      return "y";
    };
    const { code, out } = await run(["nonce", "fix"], { env, answers: [late] });
    expect(out).toMatch(
      /^nonce 2: fill, 0x\w{64}\nnonce 0: left alone; it changed since it was shown, so no fill was sent\n/,
    );
    expect(out).toMatch(/look again \(nonce info\); the next free nonce is 4\n$/);
    expect(code).toBe(1);
  });
});

describe("a dry run", () => {
  it("shows the plan of whatever would be sent, asks nobody, and sends nothing", async () => {
    const { response } = await answered();
    const task = checksummed(await devnet.client.publishTask({ source, config: "{}" }));
    const client = devnet.accounts.client.address;
    const stuck = await devnet.account("cli-dry");
    const raw = await stuck.signTransaction({
      ...{ chainId: devnet.chainId, type: "eip1559", to: stuck.address, nonce: 1, gas: 21_000n },
      ...{ maxFeePerGas: 100_000_000_000n, maxPriorityFeePerGas: 1n },
    });
    await devnet.publicClient.sendRawTransaction({ serializedTransaction: raw });
    const asStuck = { CLIENT_PRIVATE_KEY: stuck.privateKey };
    const input = ["--function", "f", "--data", "1"];
    const rows: readonly (readonly [string, readonly string[], RegExp, Record<string, string>?])[] = [
      [client, ["confirm", response], /which pays\t0\.8 OGPU of 1 OGPU/],
      [client, ["publish", "task", source, ...input, "--payment", "0.05 OGPU"], /which freezes\t0\.05 OGPU/],
      [
        client,
        ["publish", "source", "--name", "a", "--min-payment", "1 gwei", "--cpu", "https://a.example"],
        /publish the source\ta/,
      ],
      [client, ["cancel", task], /which gives back/],
      [client, ["agent", "set", response], /authorise the agent/],
      [client, ["agent", "revoke", devnet.accounts.agent.address], /revoke the agent/],
      [stuck.address, ["nonce", "fix"], /0\tfill\tnothing waits in it/, asStuck],
    ];
    const nonceOf = (address: string) =>
      devnet.publicClient.getTransactionCount({ address: address as `0x${string}`, blockTag: "pending" });
    for (const [address, words, plan, env = asClient()] of rows) {
      const before = await nonceOf(address);
      const ways: readonly [readonly string[], CliOptions][] = [
        [["--dry-run", "--yes"], { env }],
        [["--sink-dry-run"], { env, answers: ["y"] }],
        [["--yes"], { env: { ...env, OGPU_SINK_DRY_RUN: "true" } }],
      ];
      for (const [flags, options] of ways) {
        const { code, out, err, asked } = await run([...words, ...flags], options);
        expect({ words, code, out, asked }).toEqual({ words, code: 1, out: "", asked: [] });
        expect(err).toMatch(plan);
        expect(err).toMatch(/\ndry run \(sink\.dryRun\): nothing was sent/);
      }
      expect({ words, nonce: await nonceOf(address) }).toEqual({ words, nonce: before });
    }
    const env = { ...asClient(), OGPU_SINK_DRY_RUN: "true" };
    expect(await run(["cancel", task, "--yes", "--no-sink-dry-run"], { env })).toMatchObject({ code: 0 });
  });
});

describe("a command that sends, and a daemon", () => {
  const input = ["--function", "f", "--data", "1", "--payment", "0.05 OGPU"];
  const terms = ["--name", "a", "--min-payment", "1 gwei", "--cpu", "https://a.example"];
  const publishAsClient = () => devnet.client.publishTask({ source, config: "{}" });

  it.each<readonly [what: string, words: () => Promise<readonly string[]>]>([
    ["cancel", async () => ["cancel", checksummed(await publishAsClient())]],
    ["agent set", async () => ["agent", "set", devnet.accounts.agent.address]],
    ["publish task", async () => ["publish", "task", source, ...input]],
    ["publish source", async () => ["publish", "source", ...terms]],
  ])("%s looks after the answer whether its key is still free, and holds it while it sends", async (what, words) => {
    const path = join(directory, `${what}.sqlite`);
    const { address } = devnet.accounts.client;
    const signer = toAddress<AccountAddress>(address);
    const nonce = () => devnet.publicClient.getTransactionCount({ address, blockTag: "pending" });
    const line = [...(await words()), "--journal-path", path];
    const before = await nonce();
    const daemon = openSqliteJournal({ path, chainId: devnet.chainId });
    try {
      const starts = async () => {
        await daemon.takeLease(signer, "box 1", Date.now(), 30_000);
        return "y";
      };
      expect(await run(line, { answers: [starts] })).toMatchObject({
        code: 78,
        err: expect.stringMatching(/error KEY_IN_USE: a daemon runs on .* \(box 1\)/),
      });
      expect(await nonce()).toBe(before);

      for (const lease of await daemon.leases()) await daemon.releaseLease(lease);
      expect(await run(line, { answers: ["y"] })).toMatchObject({ code: 0 });
      expect(await daemon.leases()).toMatchObject([
        { owner: expect.stringContaining(`the command ${what} on `), expiresAt: 0 },
      ]);
    } finally {
      await daemon.close();
    }
  });
});

describe("status, tasks and journal without a daemon", () => {
  it("say that there is none, and create nothing", async () => {
    const { code, out } = await run(["status", "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      network: "devnet",
      chainId: 1071,
      daemon: "not running",
      journal: "none yet",
    });
    expect(await run(["journal", "verify"])).toMatchObject({ code: 78, err: expect.stringMatching(/NO_JOURNAL/) });
    const down = await run(["status", "--rpc-http", "http://127.0.0.1:1"]);
    expect(down).toMatchObject({ code: 75, out: expect.stringMatching(/problem\t.*did not answer/) });
  });
});

describe("completion", () => {
  it.each(["bash", "zsh", "fish"])("knows every command in %s", async (shell) => {
    const { code, out } = await cli(["completion", shell]);
    expect(code).toBe(0);
    for (const word of ["confirm", "publish", "nonce", "max-payment"]) expect(out).toContain(word);
  });

  it("is a script that bash runs, and that completes", async () => {
    const { execFileSync } = await import("node:child_process");
    const { out } = await cli(["completion", "bash"]);
    const complete = (words: string) => {
      const script = `${out}\nCOMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]}-1)); _ogpu_confirmd; printf '%s\\n' "\${COMPREPLY[@]}"`;
      return execFileSync("bash", ["-c", script], { encoding: "utf8" }).trim().split("\n");
    };
    expect(complete("ogpu-confirmd no")).toEqual(["nonce"]);
    expect(complete("ogpu-confirmd nonce f")).toEqual(["fix"]);
    expect(complete("ogpu-confirmd confirm --max")).toEqual(["--max-payment"]);
    expect(complete("ogpu-confirmd run --rpc-h")).toEqual(["--rpc-http"]);
  });

  it("is refused for a shell that it does not know", async () => {
    expect(await cli(["completion", "tcsh"])).toMatchObject({
      code: 78,
      err: expect.stringMatching(/known are bash, zsh, fish/),
    });
    expect(await cli(["completion", "bash", "--rpc-http", "x"])).toMatchObject({ code: 78 });
  });
});
