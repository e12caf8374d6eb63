import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import * as behaviours from "../../devnet/actors/behaviours.ts";
import type { Provider } from "../../devnet/actors/provider.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { checksummed, type SourceAddress, type TaskAddress } from "../../src/protocol/brand.ts";
import { confirmationsOnChain } from "../support/chainTruth.ts";
import { createHome, type DaemonProcess, type Home, startDaemon } from "../support/daemonProcess.ts";
import { type FaultProxy, startFaultProxy } from "../support/faultProxy.ts";
import { type MeddlingProxy, startMeddlingProxy } from "../support/meddlingProxy.ts";
import { timesLogged } from "../support/payStage.ts";

let devnet: Devnet;
let source: SourceAddress;
let config: string;
let provider: Provider;
let proxy: FaultProxy | MeddlingProxy;
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
afterEach(async () => {
  daemon.kill("SIGKILL");
  await daemon.exited;
  await proxy.stop();
  home.remove();
});

const start = (rpc: Record<string, unknown>, command: "run" | "check" = "run") => {
  home = createHome(devnet, {
    rpc: { pollInterval: "200ms", timeout: "2s", cooldown: "500ms", ...rpc },
    socket: { heartbeat: "2s", silence: "30s", maxBackoff: "2s" },
  });
  daemon = startDaemon({ home, privateKey: devnet.accounts.agent.privateKey, command });
};

async function answeredTask(): Promise<TaskAddress> {
  const task = await devnet.client.publishTask({ source, config });
  await provider.respondTo(task);
  return task;
}

async function expectPaidOnce(tasks: readonly TaskAddress[]): Promise<void> {
  await Promise.all(
    tasks.map((task) =>
      daemon.logged(
        ({ msg, state, ...rest }) => msg === "confirmation" && state === "final" && rest.task === checksummed(task),
      ),
    ),
  );
  const paid = await confirmationsOnChain(devnet);
  expect(tasks.map((task) => paid.get(task))).toEqual(tasks.map(() => 1));
}

describe("an endpoint whose key is revoked in the middle of work", () => {
  const told = "an endpoint refuses its key or its plan, or its quota is used up";

  it.each(["http", "ws"] as const)("is left for the second one, which pays; asked over %s", async (how) => {
    const between = await startFaultProxy({ port: Number(new URL(devnet.rpc.http).port) });
    proxy = between;
    start({ http: [between[how], devnet.rpc.http], ws: [between.ws, devnet.rpc.ws] });
    await daemon.logged(({ msg }) => msg === "the WebSocket is up");
    const name = new URL(between.http).host;
    expect(await daemon.ready()).toMatchObject({ endpoint: name });
    const before = await answeredTask();
    await expectPaidOnce([before]);

    between.set({ kind: "revoked", code: -32001, message: "invalid api key" });
    const meanwhile = [await answeredTask(), await answeredTask()];
    await expectPaidOnce(meanwhile);
    const record = await daemon.logged(({ msg }) => msg === told);
    expect(record).toMatchObject({ level: "error", endpoint: name, said: "invalid api key" });
    expect(record.error).toMatch(/refuses the key, or the plan has ended — look at its key, its plan and its bill/);
    await daemon.logged(({ msg, error }) => msg === "the WebSocket is down" && /invalid api key/.test(String(error)));
    await daemon.logged(
      ({ msg, endpoint }) => msg === "the WebSocket is up" && endpoint === new URL(devnet.rpc.ws).host,
    );
    const another = await answeredTask();
    await expectPaidOnce([another]);
    expect(timesLogged(daemon, told)).toBe(1);

    between.set({ kind: "none" });
    await daemon.logged(({ msg, endpoint }) => msg === "an endpoint answers again" && endpoint === name);
    await expectPaidOnce([before, ...meanwhile, another, await answeredTask()]);
  });
});

describe("an endpoint whose key was revoked before", () => {
  const token = "Zq3vX9secretTOKEN8a7b6c5d4";

  it.each([
    ["warned of where another one answers", 0, /ok +endpoints +1 of 2 on chain/],
    ["what the check fails by where there is no other", 75, /FAILED endpoints\n +error ACCOUNT_REFUSED: /],
  ])("is %s, in its own words without the key", async (_, code, outcome) => {
    const between = await startFaultProxy({ port: Number(new URL(devnet.rpc.http).port) });
    proxy = between;
    between.set({ kind: "revoked", code: -32000, message: `invalid api key ${token}` });
    start({ http: [`${between.http}/v3/${token}`, ...(code === 0 ? [devnet.rpc.http] : [])], ws: "" }, "check");
    expect(await daemon.exited).toBe(code);
    expect(daemon.output()).toMatch(outcome);
    expect(daemon.output()).toMatch(
      /refuses the key, or the plan has ended — look at its key, its plan and its bill.*\s+It said: invalid api key \*\*\*/,
    );
    expect(daemon.output()).not.toContain(token);
  });
});

describe("an endpoint that does only some calls", () => {
  it("is left for those, and those alone: all events come by the second one, and what they tell of is paid", async () => {
    const between = await startMeddlingProxy(devnet.rpc.http);
    proxy = between;
    between.set(({ method }) => {
      if (method === "eth_getLogs") return { error: { code: 35, message: "method is not available on freetier" } };
      return method === "eth_feeHistory" ? { error: { code: -32601, message: "Method not found" } } : undefined;
    });
    start({ http: [between.http, devnet.rpc.http], ws: "" });
    const name = new URL(between.http).host;
    for (const method of ["eth_getLogs", "eth_feeHistory"]) {
      await daemon.logged((each) => each.endpoint === name && each.method === method && /does not do/.test(each.msg));
    }
    await expectPaidOnce([await answeredTask(), await answeredTask()]);
    expect(await daemon.ready()).toMatchObject({ endpoint: name });
    expect(timesLogged(daemon, "another endpoint answers from now on")).toBe(0);
  });
});
