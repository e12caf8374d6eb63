import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as behaviours from "../../devnet/actors/behaviours.ts";
import type { Provider } from "../../devnet/actors/provider.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { checksummed, type SourceAddress, type TaskAddress } from "../../src/protocol/brand.ts";
import { type CliOptions, cli } from "../support/cli.ts";
import { createHome, type DaemonProcess, type Home, startDaemon } from "../support/daemonProcess.ts";

let devnet: Devnet;
let home: Home;
let daemon: DaemonProcess;
let source: SourceAddress;
let honest: Provider;
let dear: Provider;
let paid: { task: TaskAddress; response: string };
let open: { task: TaskAddress; response: string };

beforeAll(async () => {
  devnet = await startDevnet({ blockTime: 0.2 });
  source = await devnet.client.publishSource();
  honest = devnet.createProvider(behaviours.honest());
  dear = devnet.createProvider(behaviours.overpriced());
  await Promise.all([honest, dear].map((provider) => provider.enrol(source)));
  home = createHome(devnet);
  daemon = startDaemon({ home, privateKey: devnet.accounts.agent.privateKey });
  await daemon.ready();
  const config = await devnet.gateway.putJson({ function_name: "sentiment", data: { text: "great" } });
  const task = await devnet.client.publishTask({ source, config });
  paid = { task, response: (await honest.respondTo(task)).response };
  const final = ({ msg, state, task: of }: Record<string, unknown>) =>
    msg === "confirmation" && state === "final" && of === checksummed(task);
  await daemon.logged(final);
  const other = await devnet.client.publishTask({ source, config });
  open = { task: other, response: (await dear.respondTo(other)).response };
  const rejected = ({ msg, task: of }: Record<string, unknown>) => msg === "verdict" && of === checksummed(other);
  await daemon.logged(rejected);
});
afterAll(async () => {
  daemon.kill("SIGKILL");
  await daemon.exited;
  await devnet.stop();
  home.remove();
});

const run = (words: readonly string[], options: CliOptions = {}) =>
  cli([...words, "--config", home.configFile], {
    cwd: home.directory,
    env: { AGENT_PRIVATE_KEY: devnet.accounts.agent.privateKey },
    ...options,
  });

describe("beside a running daemon", () => {
  it("status, tasks and nonce tell how things stand", async () => {
    const { out } = await run(["status", "--json"]);
    expect(JSON.parse(out)).toMatchObject({
      daemon: "running",
      paying: "on",
      signer: devnet.accounts.agent.address,
      openTasks: 1,
      inFlight: 0,
      held: 0,
      paidToday: "0.8 OGPU",
      checkpoint: expect.any(Number),
      lag: expect.any(Number),
    });
    const pretty = await run(["status"], { isTTY: true });
    expect(pretty.out).toMatch(/daemon.*running/);
    const listed = await run(["tasks", "--json"]);
    expect(JSON.parse(listed.out)).toMatchObject([
      {
        task: checksummed(open.task),
        status: "RESPONDED",
        pays: "1 OGPU",
        standing: expect.stringMatching(/^reject: /),
      },
    ]);
    const ofSource = await run(["tasks", source, "--json"]);
    expect(JSON.parse(ofSource.out).map(({ task }: { task: string }) => task)).toEqual([
      checksummed(open.task),
      checksummed(paid.task),
    ]);
    expect((await run(["tasks", source, "--limit", "1"])).out.trim().split("\n")).toHaveLength(2);
    for (const of of [[source], []])
      expect(await run(["tasks", ...of, "--limit", "0", "--json"])).toMatchObject({ code: 0, out: "[]\n" });
    expect(await run(["tasks", source, "--limit", "x"])).toMatchObject({ code: 78 });
    expect(await run(["tasks", devnet.deployment.vault])).toMatchObject({
      code: 78,
      err: expect.stringMatching(/the network's Vault/),
    });
    expect(JSON.parse((await run(["nonce", "info", "--json"])).out)).toMatchObject({ minedNonce: 1, pendingCount: 0 });
  });

  it("nothing is sent with the daemon's key, and another key may", async () => {
    for (const words of [
      ["confirm", open.response],
      ["cancel", open.task],
      ["agent", "set", source],
    ]) {
      expect(await run([...words, "--yes"])).toMatchObject({
        code: 78,
        err: expect.stringMatching(/error KEY_IN_USE: a daemon runs on/),
      });
    }
    const env = { CLIENT_PRIVATE_KEY: devnet.accounts.client.privateKey };
    const paused = await run(["pause", "--why", "looks odd", "--who", "me"]);
    expect(paused).toMatchObject({ code: 0, err: expect.not.stringContaining("no daemon holds") });
    expect(await run(["confirm", open.response, "--yes"], { env })).toMatchObject({
      code: 78,
      err: expect.stringMatching(/error PAYING_PAUSED: paying is paused since .*, by me: looks odd/),
    });
    await run(["resume"]);
    const dear = await run(["confirm", open.response, "--yes", "--sink-max-payment", "0.9 OGPU"], { env });
    expect(dear).toMatchObject({ code: 1, err: expect.stringMatching(/PAYMENT_ABOVE_LIMIT/) });
    expect(await run(["confirm", open.response, "--yes"], { env })).toMatchObject({ code: 0 });
  });
});

describe("a dry run without a key", () => {
  const watching = async (...args: readonly string[]) => {
    const idle = createHome(devnet);
    const watcher = startDaemon({ home: idle, args: ["--dry-run", ...args] });
    try {
      const { http } = await watcher.ready();
      let ready = "";
      while (!ready.includes("ok   backfill") || !ready.includes("ok   journal")) {
        await sleep(50);
        ready = await (await fetch(`${http}/readyz`)).text();
      }
      return { ready, output: watcher.output() };
    } finally {
      watcher.kill("SIGKILL");
      await watcher.exited;
      idle.remove();
    }
  };

  it("is ready, and says that nothing is watched where nobody's sources are named", async () => {
    const { ready, output } = await watching();
    expect(ready).not.toContain("FAIL");
    expect(output).toMatch(/"level":"warn".*"msg":"nothing is watched: without a key/);
    expect((await watching("--watch-sources", source)).output).not.toContain("nothing is watched");
  }, 120_000);
});

describe("the journal", () => {
  const exported = async (...words: string[]) => {
    const { out, code } = await run(["journal", "export", ...words]);
    expect(code).toBe(0);
    return out
      .trim()
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  };

  it("is exported decision by decision, with facts and transactions, or copied whole", async () => {
    const rows = await exported();
    const confirmed = rows.find(({ kind, task }) => kind === "confirm" && task === checksummed(paid.task));
    expect(confirmed).toMatchObject({
      price: "0.8 OGPU",
      mode: "enforce",
      confirmation: "final",
      transaction: expect.stringMatching(/^0x\w{64}$/),
    });
    expect(confirmed.facts.task.payment).toBe("1000000000000000000");
    expect(await exported("--since", "2999-01-01")).toEqual([]);
    expect(await run(["journal", "export", "--since", "soon"])).toMatchObject({ code: 78 });
    expect(await run(["journal", "export", "copy.sqlite"])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^copied to .*copy\.sqlite\n$/),
    });
    expect(await run(["journal", "export", "copy.sqlite"])).toMatchObject({
      code: 78,
      err: expect.stringMatching(/exists already/),
    });
    expect(await run(["journal", "verify", "--journal-path", "copy.sqlite", "--json"])).toMatchObject({ code: 0 });
  });

  it("is verified byte by byte", async () => {
    const good = await run(["journal", "verify"]);
    expect(good.code).toBe(0);
    expect(good.out).toMatch(
      /^WHAT\tLOOKED AT\tFOUND\nfile\t1\tok\nreferences\t1\tok\nconfirmations\t1\tok\nsigned bytes\t[1-9]\d*\tok\nsums of providers\t[1-9]\d*\tok\n$/,
    );
    await run(["journal", "export", "whole.sqlite"]);
    const spoil: readonly [string, string, RegExp][] = [
      ["bytes", "UPDATE attempts SET raw = replace(raw, '0x02', '0x03')", /its bytes hash to/],
      ["nonce", "UPDATE attempts SET nonce = nonce + 7", /its bytes stand in nonce 0, not 7/],
      [
        "key",
        `UPDATE nonces SET signer = '${devnet.accounts.client.address.toLowerCase()}'`,
        /it was signed by .*, not by/,
      ],
      ["task", "PRAGMA foreign_keys = OFF; DELETE FROM tasks", /verdicts, row 1/],
    ];
    for (const [name, statement, problem] of spoil) {
      const path = join(home.directory, `${name}.sqlite`);
      copyFileSync(join(home.directory, "whole.sqlite"), path);
      const database = new DatabaseSync(path);
      database.exec(statement);
      database.close();
      const bad = await run(["journal", "verify", "--journal-path", path]);
      expect(bad.code).toBe(1);
      expect(bad.out).toMatch(problem);
    }
  });

  it("is pruned after a question, and what is settled stays settled", async () => {
    const words = ["journal", "prune", "--journal-path", "pruned.sqlite"];
    await run(["journal", "export", "pruned.sqlite"]);
    expect(await run(words)).toMatchObject({ code: 78, err: expect.stringMatching(/--older-than 90d/) });
    // What ceilings stand on stays, whatever a person wants to forget; and nobody is asked about what cannot be.
    for (const age of ["soon", "0s", "1h", "6d"]) {
      const refused = await run([...words, "--older-than", age], { answers: ["y"] });
      expect(refused).toMatchObject({ code: 78, asked: [], err: expect.stringContaining("from 7d to 3650d") });
    }
    expect(await run([...words, "--older-than", "7d"], { answers: [""] })).toMatchObject({
      code: 1,
      err: expect.stringMatching(/nothing was pruned\n$/),
    });
    const { out, code } = await run([...words, "--older-than", "7d", "--yes", "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toHaveProperty("pruned");
    expect(await run(["journal", "verify", "--journal-path", "pruned.sqlite"])).toMatchObject({ code: 0 });
  });
});
