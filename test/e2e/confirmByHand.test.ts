import { DatabaseSync } from "node:sqlite";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import * as behaviours from "../../devnet/actors/behaviours.ts";
import type { Provider } from "../../devnet/actors/provider.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { testNode } from "../../devnet/network.ts";
import type { SourceAddress, TaskAddress } from "../../src/protocol/brand.ts";
import { confirmationsOnChain } from "../support/chainTruth.ts";
import { cli } from "../support/cli.ts";
import { createHome, type DaemonProcess, type Home, startDaemon } from "../support/daemonProcess.ts";
import { journalRows, timesLogged, toldOf } from "../support/payStage.ts";

let devnet: Devnet;
/** Its blocks, once a test has stopped them: the node itself would go on with one a second at the most. */
let mining: NodeJS.Timeout | undefined;
let source: SourceAddress;
let config: string;
let provider: Provider;
let sibling: Provider;
let rival: Provider;
let home: Home;
let daemon: DaemonProcess;
let firstNonce: number;
let task: TaskAddress;
let response: string;

const start = async () => {
  daemon = startDaemon({ home, privateKey: devnet.accounts.agent.privateKey });
  await daemon.ready();
};
const countOf = (blockTag: "latest" | "pending") =>
  devnet.publicClient.getTransactionCount({ address: devnet.accounts.agent.address, blockTag });
const publish = () => devnet.client.publishTask({ source, config });
/** The daemon pays a task of its own. */
const paysOne = async () => {
  const other = await publish();
  await provider.respondTo(other);
  await toldOf(daemon, "final", [other]);
};
const confirmations = () =>
  journalRows(
    home,
    `SELECT c.state, c.mined_hash, c.nonce, v.policy, v.reason FROM confirmations c
                     JOIN verdicts v ON v.id = c.verdict_id WHERE c.task = '${task}'`,
  );

beforeAll(async () => {
  devnet = await startDevnet({ blockTime: 0.2 });
  source = await devnet.client.publishSource();
  config = await devnet.gateway.putJson({ function_name: "analyze_sentiment", data: { text: "great" } });
  provider = devnet.createProvider(behaviours.honest());
  await provider.enrol(source);
  sibling = devnet.createProvider(behaviours.honest());
  await sibling.enrol(source);
  rival = devnet.createProvider(behaviours.honest());
  await rival.enrol(source);
});
afterAll(async () => {
  clearInterval(mining);
  await devnet.stop();
});
// A daemon that has paid with its key, and knows of a task, is stopped; then comes a response that its policy would pay.
beforeEach(async () => {
  home = createHome(devnet);
  firstNonce = await countOf("latest");
  await start();
  await paysOne();
  task = await publish();
  await expect
    .poll(() => journalRows(home, `SELECT state FROM tasks WHERE task = '${task}'`))
    .toEqual([{ state: "open" }]);
  daemon.kill("SIGTERM");
  expect(await daemon.exited).toBe(0);
  ({ response } = await provider.respondTo(task));
});
afterEach(async () => {
  daemon.kill("SIGKILL");
  await daemon.exited;
  home.remove();
});

it("is the daemon's to finish: it takes neither the task nor the nonce for open, nor the payment for a stranger's", async () => {
  const env = { AGENT_PRIVATE_KEY: devnet.accounts.agent.privateKey, USER: "ann" };
  const words = ["confirm", response, "--yes", "--json", "--config", home.configFile];
  const { code, out, err } = await cli(words, { cwd: home.directory, env });
  expect({ code, err }).toMatchObject({ code: 0 });
  const { transaction: hash, nonce } = JSON.parse(out);
  const row = {
    policy: "by hand",
    reason: expect.stringMatching(/^confirmed by hand, by \w+/),
    mined_hash: hash,
    nonce,
  };
  expect(confirmations()).toEqual([{ ...row, state: "mined" }]);

  await start();
  await toldOf(daemon, "final", [task]);
  await paysOne();
  expect(confirmations()).toEqual([{ ...row, state: "final" }]);
  expect((await confirmationsOnChain(devnet)).get(task)).toBe(1);
  expect(await countOf("pending")).toBe(firstNonce + 3);
  expect(timesLogged(daemon, "somebody else sends transactions with the daemon's key")).toBe(0);
  const verified = await cli(["journal", "verify", "--config", home.configFile], { cwd: home.directory, env });
  expect(verified).toMatchObject({ code: 0 });
});

it("is paid once by what the command signed, where the command is killed and the node forgets its transaction", async () => {
  await testNode(devnet.network, "evm_setIntervalMining", [0]);
  const command = startDaemon({
    home,
    privateKey: devnet.accounts.agent.privateKey,
    command: "confirm",
    args: [response, "--yes"],
  });
  await expect.poll(() => countOf("pending"), { timeout: 30_000 }).toBe(firstNonce + 2);
  command.kill("SIGKILL");
  await command.exited;
  const env = { AGENT_PRIVATE_KEY: devnet.accounts.agent.privateKey };
  const fix = await cli(["nonce", "fix", "--config", home.configFile], { cwd: home.directory, env });
  expect(fix).toMatchObject({
    code: 0,
    out: expect.stringMatching(/in the journal .*, and no daemon holds that: start it/),
  });
  await testNode(devnet.network, "anvil_dropAllTransactions");
  const [signed] = journalRows(home, "SELECT hash, nonce FROM attempts ORDER BY nonce DESC LIMIT 1");
  expect(signed?.nonce).toBe(firstNonce + 1);

  await start();
  mining = setInterval(() => void devnet.mine().catch(() => undefined), 200);
  await toldOf(daemon, "final", [task]);
  expect(confirmations()).toMatchObject([{ state: "final", nonce: signed?.nonce, policy: "by hand" }]);
  expect((await confirmationsOnChain(devnet)).get(task)).toBe(1);
  expect(await countOf("pending")).toBe(firstNonce + 2);
  expect(timesLogged(daemon, "somebody else sends transactions with the daemon's key")).toBe(0);
});

it("is what the daemon has approved and not signed, where that is the same response", async () => {
  const env = { AGENT_PRIVATE_KEY: devnet.accounts.agent.privateKey };
  const run = (...words: string[]) => cli([...words, "--config", home.configFile], { cwd: home.directory, env });
  const nobody = expect.stringContaining(`no daemon holds the journal ${home.journalPath}`);
  expect(await run("pause", "--why", "looks odd")).toMatchObject({ code: 0, err: nobody });
  await start();
  await expect.poll(confirmations, { timeout: 30_000 }).toMatchObject([{ state: "intended" }]);
  daemon.kill("SIGTERM");
  expect(await daemon.exited).toBe(0);
  expect(await run("resume", "--why", "it is not")).toMatchObject({ code: 0 });
  const [approved] = confirmations();
  const { response: other } = await sibling.respondTo(task);
  expect(await run("confirm", other, "--yes")).toMatchObject({
    code: 1,
    err: expect.stringMatching(
      /error ALREADY_SENT: confirmation \d+ \(intended\) holds the task .*ogpu-confirmd limits/,
    ),
  });
  const { code, err } = await run("confirm", response, "--yes");
  expect({ code, err }).toMatchObject({ code: 0 });
  expect(confirmations()).toMatchObject([{ state: "mined", nonce: firstNonce + 1, policy: approved?.policy }]);

  await start();
  await toldOf(daemon, "final", [task]);
  expect((await confirmationsOnChain(devnet)).get(task)).toBe(1);
  expect(await countOf("pending")).toBe(firstNonce + 2);
  expect(timesLogged(daemon, "somebody else sends transactions with the daemon's key")).toBe(0);
});

it("is not sent where the journal will not keep it, and leaves the response to the daemon, which pays it", async () => {
  const env = { AGENT_PRIVATE_KEY: devnet.accounts.agent.privateKey };
  const journal = new DatabaseSync(home.journalPath);
  // What should not be: the next nonce belongs to the confirmation before.
  journal.exec("INSERT INTO nonces SELECT signer, nonce + 1, confirmation_id FROM nonces");
  journal.close();
  const { code, err } = await cli(["confirm", response, "--yes", "--config", home.configFile], {
    cwd: home.directory,
    env,
  });
  expect(code).not.toBe(0);
  expect(err).toMatch(/NONCE_CONFLICT/);
  expect(await countOf("pending")).toBe(firstNonce + 1);
  expect(confirmations()).toEqual([]);
  expect(journalRows(home, `SELECT * FROM verdicts WHERE task = '${task}'`)).toEqual([]);

  const mended = new DatabaseSync(home.journalPath);
  mended.exec(`DELETE FROM nonces WHERE nonce = ${firstNonce + 1}`);
  mended.close();
  await start();
  await toldOf(daemon, "final", [task]);
  expect(confirmations()).toMatchObject([
    { state: "final", nonce: firstNonce + 1, policy: expect.not.stringMatching("by hand") },
  ]);
  expect((await confirmationsOnChain(devnet)).get(task)).toBe(1);
  expect(await countOf("pending")).toBe(firstNonce + 2);
});

it.each(["agent", "client"] as const)(
  "pays what was shown to the %s alone: not what a reorg puts in its place while the question stands",
  async (who) => {
    const snapshot = await testNode(devnet.network, "evm_snapshot");
    const { response: shown } = await sibling.respondTo(task);
    const swap = async () => {
      await testNode(devnet.network, "evm_revert", [snapshot]);
      expect((await rival.respondTo(task)).response).toBe(shown);
      return "y";
    };
    const { privateKey, address } = devnet.accounts[who];
    const env = { [who === "agent" ? "AGENT_PRIVATE_KEY" : "CLIENT_PRIVATE_KEY"]: privateKey };
    const words = ["confirm", shown, "--config", home.configFile];
    const before = await devnet.publicClient.getTransactionCount({ address, blockTag: "pending" });
    const { code, err } = await cli(words, { cwd: home.directory, env, answers: [swap] });
    expect(err).toMatch(new RegExp(`to\\t${sibling.address}`));
    expect(err).toMatch(
      new RegExp(`error RESPONSE_CHANGED: the response 0x\\w+ is another one by now, of ${rival.address}`, "i"),
    );
    expect(code).toBe(1);
    expect(await devnet.publicClient.getTransactionCount({ address, blockTag: "pending" })).toBe(before);
    expect(confirmations()).toEqual([]);
  },
);

it.each(["agent", "client"] as const)(
  "does not pay with the %s's key what was paused while the question stood",
  async (who) => {
    const { privateKey, address } = devnet.accounts[who];
    const env = { [who === "agent" ? "AGENT_PRIVATE_KEY" : "CLIENT_PRIVATE_KEY"]: privateKey };
    const run = (words: readonly string[], answers: readonly (() => Promise<string>)[] = []) =>
      cli([...words, "--config", home.configFile], { cwd: home.directory, env, answers });
    const pause = async () => {
      await run(["pause", "--why", "looks odd", "--who", "bob"]);
      return "y";
    };
    const before = await devnet.publicClient.getTransactionCount({ address, blockTag: "pending" });
    expect(await run(["confirm", response], [pause])).toMatchObject({
      code: 78,
      asked: ["Go on? [y/N] "],
      err: expect.stringMatching(/error PAYING_PAUSED: paying is paused since .*, by bob: looks odd/),
    });
    expect(await devnet.publicClient.getTransactionCount({ address, blockTag: "pending" })).toBe(before);
    expect(confirmations()).toEqual([]);
  },
);
