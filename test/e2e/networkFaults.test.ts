import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { parseEther } from "viem";
import { afterAll, beforeAll, describe, it, type TestContext } from "vitest";
import * as behaviours from "../../devnet/actors/behaviours.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import type { ResponseAddress, TaskAddress } from "../../src/protocol/brand.ts";
import { checksummed } from "../../src/protocol/brand.ts";
import { confirmationsOnChain, isConfirmed } from "../support/chainTruth.ts";
import { createHome, startDaemon } from "../support/daemonProcess.ts";
import { type Fault, type FaultProxy, startFaultProxy } from "../support/faultProxy.ts";

let devnet: Devnet;
let config: string;

beforeAll(async () => {
  devnet = await startDevnet({ blockTime: 0.2, providers: 12 });
  config = await devnet.gateway.putJson({ function_name: "analyze_sentiment", data: { text: "great" } });
});
afterAll(() => devnet.stop());

type Answered = { readonly task: TaskAddress; readonly response: ResponseAddress };

let stages = 0;

/** A client, a provider, and a daemon with a key of its own behind a proxy of its own: the tests wait side by side. */
async function start(
  { expect, onTestFinished }: TestContext,
  overridesBehind: (proxy: FaultProxy) => Parameters<typeof createHome>[1] = () => ({}),
) {
  const place = ++stages;
  const [account, agent] = await Promise.all([devnet.account(`client ${place}`), devnet.account(`agent ${place}`)]);
  const client = devnet.createClient(account);
  await Promise.all([client.deposit(parseEther("100")), client.setAgent(agent.address)]);
  const source = await client.publishSource();
  const provider = devnet.createProvider(behaviours.honest());
  await provider.enrol(source);
  const proxy = await startFaultProxy({ port: Number(new URL(devnet.rpc.http).port) });
  onTestFinished(proxy.stop);
  const home = createHome(devnet, {
    rpc: { http: proxy.http, ws: proxy.ws, pollInterval: "200ms", timeout: "2s" },
    socket: { heartbeat: "1s", silence: "2s", maxBackoff: "2s" },
    ...overridesBehind(proxy),
  });
  onTestFinished(home.remove);
  const daemon = startDaemon({ home, privateKey: agent.privateKey });
  onTestFinished(async () => {
    daemon.kill("SIGKILL");
    await daemon.exited;
  });
  await daemon.logged(({ msg }) => msg === "the WebSocket is up");

  const answeredTask = async (): Promise<Answered> => {
    const task = await client.publishTask({ source, config });
    const { response } = await provider.respondTo(task);
    return { task, response };
  };
  const two = async () => [await answeredTask(), await answeredTask()];
  const paid = (task: TaskAddress) =>
    daemon.logged(
      ({ msg, state, ...rest }) => msg === "confirmation" && state === "final" && rest.task === checksummed(task),
    );
  /** What was answered while something went wrong, so long at the least. */
  const during = async (fault: Fault, forMs: number): Promise<readonly Answered[]> => {
    proxy.set(fault);
    const [answered] = await Promise.all([two(), sleep(forMs)]);
    proxy.set({ kind: "none" });
    return answered;
  };
  /** Every task was paid once, and everything that happened is in the journal. */
  const expectAllPaidOnce = async (answered: readonly Answered[]): Promise<void> => {
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
  };
  return { proxy, daemon, answeredTask, two, paid, during, expectAllPaidOnce };
}

describe.concurrent("nothing is lost and nothing is paid twice", () => {
  it.for([1, 5, 30])("when the endpoint is gone for %i s", async (seconds, context) => {
    const { answeredTask, during, expectAllPaidOnce } = await start(context);
    const before = await answeredTask();
    const meanwhile = await during({ kind: "cut" }, seconds * 1000);
    await expectAllPaidOnce([before, ...meanwhile, await answeredTask()]);
  });

  it.for<[string, Fault, number]>([
    ["is gone for 5 s", { kind: "cut" }, 5_000],
    ["goes silent without closing", { kind: "silent" }, 4_000],
  ])("when the endpoint that is asked over a WebSocket %s", async ([, fault, forMs], context) => {
    const { answeredTask, during, expectAllPaidOnce } = await start(context, ({ ws }) => ({
      rpc: { http: ws, ws, pollInterval: "200ms", timeout: "2s" },
    }));
    const before = await answeredTask();
    const meanwhile = await during(fault, forMs);
    await expectAllPaidOnce([before, ...meanwhile, await answeredTask()]);
  });

  it("when a WebSocket is asked first, and its endpoint goes for good: HTTP takes over", async (context) => {
    const { expect } = context;
    const { proxy, daemon, answeredTask, two, paid, expectAllPaidOnce } = await start(context, ({ ws }) => ({
      rpc: { http: [ws, devnet.rpc.http], ws: devnet.rpc.ws, pollInterval: "200ms", timeout: "2s" },
    }));
    const before = await answeredTask();
    await paid(before.task);
    const asked = new URL(proxy.ws).host;
    expect(await daemon.ready()).toMatchObject({ endpoint: asked });
    proxy.set({ kind: "cut" });
    await daemon.logged(({ endpoint, before: left }) => endpoint !== asked && left === asked);
    await expectAllPaidOnce([before, ...(await two())]);
  });

  it("when everything goes silent without closing", async (context) => {
    const { answeredTask, during, expectAllPaidOnce } = await start(context);
    const meanwhile = await during({ kind: "silent" }, 4_000);
    await expectAllPaidOnce([...meanwhile, await answeredTask()]);
  });

  it("when only the socket goes silent: it is given up, and comes back", async (context) => {
    const { daemon, answeredTask, during, expectAllPaidOnce } = await start(context);
    const meanwhile = await during({ kind: "socket-silent" }, 6_000);
    await daemon.logged(({ msg }) => msg === "the WebSocket is down");
    await expectAllPaidOnce([...meanwhile, await answeredTask()]);
  });

  it("when the socket is closed and its reconnects are answered with 503", async (context) => {
    const { proxy, answeredTask, during, expectAllPaidOnce } = await start(context);
    proxy.dropSockets();
    const meanwhile = await during({ kind: "upgrade-refused", status: 503 }, 3_000);
    await expectAllPaidOnce([...meanwhile, await answeredTask()]);
  });

  it("when the socket reconnects but its subscriptions are refused", async (context) => {
    const { expect } = context;
    const { proxy, answeredTask, during, expectAllPaidOnce } = await start(context);
    proxy.dropSockets();
    const meanwhile = await during({ kind: "subscribe-refused" }, 3_000);
    await expectAllPaidOnce([...meanwhile, await answeredTask()]);
    expect(proxy.openSockets()).toBeLessThanOrEqual(1);
  });

  it("in a storm of HTTP 429", async (context) => {
    const { answeredTask, during, expectAllPaidOnce } = await start(context);
    const meanwhile = await during({ kind: "busy", ofTen: 7 }, 5_000);
    await expectAllPaidOnce([...meanwhile, await answeredTask()]);
  });
});
