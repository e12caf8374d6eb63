import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import * as behaviours from "../../devnet/actors/behaviours.ts";
import type { Provider } from "../../devnet/actors/provider.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import type { ResponseAddress, SourceAddress, TaskAddress } from "../../src/protocol/brand.ts";
import { checksummed } from "../../src/protocol/brand.ts";
import { confirmationsOnChain, isConfirmed } from "../support/chainTruth.ts";
import { createHome, type DaemonProcess, type Home, startDaemon } from "../support/daemonProcess.ts";
import { type Fault, type FaultProxy, startFaultProxy } from "../support/faultProxy.ts";

let devnet: Devnet;
let source: SourceAddress;
let config: string;
let provider: Provider;
let proxy: FaultProxy;
let home: Home;
let daemon: DaemonProcess;

beforeAll(async () => {
  devnet = await startDevnet({ blockTime: 0.2 });
  source = await devnet.client.publishSource();
  config = await devnet.gateway.putJson({ function_name: "analyze_sentiment", data: { text: "great" } });
  provider = devnet.createProvider(behaviours.honest());
  await provider.enrol(source);
});
afterAll(() => devnet.stop());
beforeEach(async () => {
  proxy = await startFaultProxy({ port: Number(new URL(devnet.rpc.http).port) });
});
afterEach(async () => {
  daemon.kill("SIGKILL");
  await daemon.exited;
  await proxy.stop();
  home.remove();
});

const start = async (overrides = {}) => {
  home = createHome(devnet, {
    rpc: { http: proxy.http, ws: proxy.ws, pollInterval: "200ms", timeout: "2s" },
    socket: { heartbeat: "1s", silence: "2s", maxBackoff: "2s" },
    ...overrides,
  });
  daemon = startDaemon({ home, privateKey: devnet.accounts.agent.privateKey });
  await daemon.logged(({ msg }) => msg === "the WebSocket is up");
};

type Answered = { readonly task: TaskAddress; readonly response: ResponseAddress };

async function answeredTask(): Promise<Answered> {
  const task = await devnet.client.publishTask({ source, config });
  const { response } = await provider.respondTo(task);
  return { task, response };
}
const paid = (task: TaskAddress) =>
  daemon.logged(
    ({ msg, state, ...rest }) => msg === "confirmation" && state === "final" && rest.task === checksummed(task),
  );

/** Every task was paid once, and everything that happened is in the journal. */
async function expectAllPaidOnce(answered: readonly Answered[]): Promise<void> {
  await Promise.all(answered.map(({ task }) => paid(task)));
  const counts = await confirmationsOnChain(devnet);
  for (const { task, response } of answered) {
    expect(counts.get(task)).toBe(1);
    expect(await isConfirmed(devnet, response)).toBe(true);
  }
  const database = new DatabaseSync(home.journalPath, { readOnly: true });
  const known = new Set(
    database
      .prepare("SELECT response FROM responses")
      .all()
      .map((row) => row.response),
  );
  database.close();
  for (const { response } of answered) expect(known.has(response)).toBe(true);
}

async function during(fault: Fault, forMs: number, work: () => Promise<readonly Answered[]>) {
  proxy.set(fault);
  const [answered] = await Promise.all([work(), sleep(forMs)]);
  proxy.set({ kind: "none" });
  return answered;
}
const two = async () => [await answeredTask(), await answeredTask()];

describe("nothing is lost and nothing is paid twice", () => {
  it.each([1, 5, 30])("when the endpoint is gone for %i s", async (seconds) => {
    await start();
    const before = await answeredTask();
    const meanwhile = await during({ kind: "cut" }, seconds * 1000, two);
    await expectAllPaidOnce([before, ...meanwhile, await answeredTask()]);
  });

  it.each<[string, Fault, number]>([
    ["is gone for 5 s", { kind: "cut" }, 5_000],
    ["goes silent without closing", { kind: "silent" }, 4_000],
  ])("when the endpoint that is asked over a WebSocket %s", async (_, fault, forMs) => {
    await start({ rpc: { http: proxy.ws, ws: proxy.ws, pollInterval: "200ms", timeout: "2s" } });
    const before = await answeredTask();
    const meanwhile = await during(fault, forMs, two);
    await expectAllPaidOnce([before, ...meanwhile, await answeredTask()]);
  });

  it("when a WebSocket is asked first, and its endpoint goes for good: HTTP takes over", async () => {
    await start({
      rpc: { http: [proxy.ws, devnet.rpc.http], ws: devnet.rpc.ws, pollInterval: "200ms", timeout: "2s" },
    });
    const before = await answeredTask();
    await paid(before.task);
    const asked = new URL(proxy.ws).host;
    expect(await daemon.ready()).toMatchObject({ endpoint: asked });
    proxy.set({ kind: "cut" });
    await daemon.logged(({ endpoint, before: left }) => endpoint !== asked && left === asked);
    await expectAllPaidOnce([before, ...(await two())]);
  });

  it("when everything goes silent without closing", async () => {
    await start();
    const meanwhile = await during({ kind: "silent" }, 4_000, two);
    await expectAllPaidOnce([...meanwhile, await answeredTask()]);
  });

  it("when only the socket goes silent: it is given up, and comes back", async () => {
    await start();
    const meanwhile = await during({ kind: "socket-silent" }, 6_000, two);
    await daemon.logged(({ msg }) => msg === "the WebSocket is down");
    await expectAllPaidOnce([...meanwhile, await answeredTask()]);
  });

  it("when the socket is closed and its reconnects are answered with 503", async () => {
    await start();
    proxy.dropSockets();
    const meanwhile = await during({ kind: "upgrade-refused", status: 503 }, 3_000, two);
    await expectAllPaidOnce([...meanwhile, await answeredTask()]);
  });

  it("when the socket reconnects but its subscriptions are refused", async () => {
    await start();
    proxy.dropSockets();
    const meanwhile = await during({ kind: "subscribe-refused" }, 3_000, two);
    await expectAllPaidOnce([...meanwhile, await answeredTask()]);
    expect(proxy.openSockets()).toBeLessThanOrEqual(1);
  });

  it("in a storm of HTTP 429", async () => {
    await start();
    const meanwhile = await during({ kind: "busy", ofTen: 7 }, 5_000, two);
    await expectAllPaidOnce([...meanwhile, await answeredTask()]);
  });
});
