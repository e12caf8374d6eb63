import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import * as behaviours from "../../devnet/actors/behaviours.ts";
import type { Provider } from "../../devnet/actors/provider.ts";
import { RevertError } from "../../devnet/actors/revertError.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { responseAbi, taskAbi } from "../../src/protocol/abi.ts";
import type { ResponseAddress, SourceAddress, TaskAddress } from "../../src/protocol/brand.ts";
import { checksummed } from "../../src/protocol/brand.ts";
import { DeliveryMethod, ResponseStatus, TaskStatus } from "../../src/protocol/statuses.ts";
import { createHome, type DaemonProcess, type Home, type LogRecord, startDaemon } from "../support/daemonProcess.ts";

let devnet: Devnet;
let source: SourceAddress;
let config: string;
let honest: Provider;
let copycat: Provider;
let wrong: Provider;
let home: Home;
let daemon: DaemonProcess | undefined;

beforeAll(async () => {
  devnet = await startDevnet({ blockTime: 0.2 });
  source = await devnet.client.publishSource();
  config = await devnet.gateway.putJson({ function_name: "analyze_sentiment", data: { text: "great" } });
  honest = devnet.createProvider(behaviours.honest());
  copycat = devnet.createProvider(behaviours.copycat());
  wrong = devnet.createProvider(behaviours.wrongSchema());
  await Promise.all([honest, copycat, wrong].map((provider) => provider.enrol(source)));
});
afterAll(async () => {
  await devnet.stop();
});
afterEach(async () => {
  daemon?.kill("SIGKILL");
  await daemon?.exited;
  home?.remove();
});

const start = (overrides = {}, env = {}) => {
  home = createHome(devnet, overrides);
  return restart(env);
};
const restart = (env = {}) => {
  daemon = startDaemon({ home, privateKey: devnet.accounts.agent.privateKey, env });
  return daemon;
};
const publish = () => devnet.client.publishTask({ source, config });
const statusOf = async (task: TaskAddress) =>
  (await devnet.publicClient.readContract({ address: task, abi: taskAbi, functionName: "getStatus" })) as number;
const isConfirmed = async (response: ResponseAddress) =>
  (await devnet.publicClient.readContract({ address: response, abi: responseAbi, functionName: "getStatus" })) ===
  ResponseStatus.CONFIRMED;
const about = (task: TaskAddress, fields: Partial<LogRecord>) => (record: LogRecord) =>
  record.task === checksummed(task) && Object.entries(fields).every(([key, value]) => record[key] === value);
const final = (task: TaskAddress) => about(task, { msg: "confirmation", state: "final" });
const agentNonce = () => devnet.publicClient.getTransactionCount({ address: devnet.accounts.agent.address });

describe("the daemon", () => {
  it("pays the first response that its policy approves, once, and nobody else", async () => {
    const running = start();
    await running.ready();
    const nonce = await agentNonce();
    const task = await publish();
    const rejected = await wrong.respondTo(task);
    const paid = await honest.respondTo(task);
    const copied = await copycat.respondTo(task).catch((error: RevertError) => error);
    await running.logged(final(task));
    expect(await isConfirmed(paid.response)).toBe(true);
    expect(await isConfirmed(rejected.response)).toBe(false);
    if (copied instanceof RevertError) expect(copied.reason).toBe("AlreadyFinalized");
    else expect(await isConfirmed(copied.response)).toBe(false);
    expect(await statusOf(task)).toBe(TaskStatus.FINALIZED);
    expect(await agentNonce()).toBe(nonce + 1);
    const verdict = await running.logged(about(task, { msg: "verdict", response: checksummed(rejected.response) }));
    expect(verdict).toMatchObject({ kind: "reject", policy: "first-valid" });
  });

  it("leaves a FIRST_RESPONSE task to the chain", async () => {
    const running = start();
    await running.ready();
    const nonce = await agentNonce();
    const quick = await devnet.client.publishSource({ deliveryMethod: DeliveryMethod.FIRST_RESPONSE });
    await honest.register(quick);
    const task = await devnet.client.publishTask({ source: quick, config });
    const { response } = await honest.respondTo(task);
    const seen = await running.logged(about(task, { msg: "task ignored" }));
    expect(seen.reason).toMatch(/FIRST_RESPONSE/);
    expect(await isConfirmed(response)).toBe(true);
    expect(await agentNonce()).toBe(nonce);
  });

  it("pays nobody when no response is eligible", async () => {
    const running = start();
    await running.ready();
    const task = await publish();
    const { response } = await wrong.respondTo(task);
    await running.logged(about(task, { msg: "verdict", kind: "reject" }));
    await devnet.mine(3);
    expect(await isConfirmed(response)).toBe(false);
    expect(await statusOf(task)).toBe(TaskStatus.RESPONDED);
  });

  it("works over HTTP alone", async () => {
    const running = start({ rpc: { http: devnet.rpc.http, ws: "", pollInterval: "100ms" } });
    await running.ready();
    const task = await publish();
    const { response } = await honest.respondTo(task);
    await running.logged(final(task));
    expect(await isConfirmed(response)).toBe(true);
  });

  it("works over WebSockets alone, and stops when it is told to", async () => {
    const running = start({ rpc: { http: devnet.rpc.ws, ws: devnet.rpc.ws } });
    await running.ready();
    const nonce = await agentNonce();
    const task = await publish();
    const { response } = await honest.respondTo(task);
    await running.logged(final(task));
    expect(await isConfirmed(response)).toBe(true);
    expect(await agentNonce()).toBe(nonce + 1);
    running.kill("SIGTERM");
    expect(await running.exited).toBe(0);
  });

  it("adopts the tasks that were open before its first start", async () => {
    const task = await publish();
    const { response } = await honest.respondTo(task);
    const running = start();
    await running.logged(final(task));
    expect(await isConfirmed(response)).toBe(true);
  });

  it("finds after a restart what happened while it was down", async () => {
    const first = start();
    await first.ready();
    const seen = await publish();
    await first.logged(({ msg, tasks }) => msg === "found work" && tasks === 1);
    first.kill("SIGTERM");
    expect(await first.exited).toBe(0);
    const missed = await publish();
    const responses = [await honest.respondTo(seen), await honest.respondTo(missed)];
    const second = restart();
    await Promise.all([second.logged(final(seen)), second.logged(final(missed))]);
    for (const { response } of responses) expect(await isConfirmed(response)).toBe(true);
  });

  it("decides and pays nothing in a dry run, even without a key", async () => {
    home = createHome(devnet, { sink: { dryRun: true }, watch: { sources: [source] } });
    daemon = startDaemon({ home });
    await daemon.ready();
    const task = await publish();
    const { response } = await honest.respondTo(task);
    const verdict = await daemon.logged(about(task, { msg: "verdict", kind: "confirm" }));
    expect(verdict.mode).toBe("shadow");
    await devnet.mine(3);
    expect(await isConfirmed(response)).toBe(false);
  });

  it("holds a price above the ceiling, whatever the policy says", async () => {
    const running = start({ sink: { maxPayment: "0.5 OGPU" } });
    await running.ready();
    const task = await publish();
    const { response } = await honest.respondTo(task);
    const verdict = await running.logged(about(task, { msg: "verdict", kind: "hold" }));
    expect(verdict.reason).toMatch(/0.8 OGPU is above sink.maxPayment/);
    expect(await isConfirmed(response)).toBe(false);
  });

  it("answers /livez while it runs, and ends with code 0 when it is told to", async () => {
    const running = start();
    const { http } = await running.ready();
    const answer = await fetch(`${http}/livez`);
    expect([answer.status, await answer.text()]).toEqual([200, expect.stringMatching(/ok/)]);
    running.kill("SIGTERM");
    expect(await running.exited).toBe(0);
  });
});
