import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import * as behaviours from "../../devnet/actors/behaviours.ts";
import type { Provider } from "../../devnet/actors/provider.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { testNode } from "../../devnet/network.ts";
import { checksummed, type ResponseAddress, type SourceAddress, type TaskAddress } from "../../src/protocol/brand.ts";
import { confirmationsOnChain, isConfirmed } from "../support/chainTruth.ts";
import { createHome, type DaemonProcess, type Home, startDaemon } from "../support/daemonProcess.ts";

let devnet: Devnet;
let source: SourceAddress;
let config: string;
let honest: Provider;
let cheap: Provider;
let home: Home;
let daemon: DaemonProcess;

beforeAll(async () => {
  devnet = await startDevnet();
  source = await devnet.client.publishSource();
  config = await devnet.gateway.putJson({ function_name: "analyze_sentiment", data: { text: "great" } });
  honest = devnet.createProvider(behaviours.honest());
  cheap = devnet.createProvider(behaviours.honest({ priceBps: 4_000 }));
  await Promise.all([honest.enrol(source), cheap.enrol(source)]);
});
afterAll(() => devnet.stop());
beforeEach(async () => {
  home = createHome(devnet, { chain: { finality: 12 }, sink: { rebroadcastAfter: "1s" } });
  daemon = startDaemon({ home, privateKey: devnet.accounts.agent.privateKey });
  await daemon.logged(({ msg }) => msg === "the WebSocket is up");
});
afterEach(async () => {
  daemon.kill("SIGKILL");
  await daemon.exited;
  home.remove();
});

type Scene = { task: TaskAddress; response: ResponseAddress };
const about = (task: TaskAddress, state: string) =>
  daemon.logged(
    ({ msg, ...record }) => msg === "confirmation" && record.state === state && record.task === checksummed(task),
  );

/** The acts of a task's life, one block each; the daemon's confirmation is the last. */
const acts: readonly ((scene: Partial<Scene>, provider: Provider) => Promise<unknown>)[] = [
  async (scene) => {
    scene.task = await devnet.client.publishTask({ source, config });
  },
  async ({ task }, provider) => provider.attempt(task as TaskAddress, 1n),
  async (scene, provider) => {
    const data = await devnet.gateway.putJson({ label: "positive", confidence: 0.9 });
    const { response } = await provider.submit(scene.task as TaskAddress, data, 1n);
    scene.response = response;
  },
];

/** Plays a task to its payment, with a snapshot taken so that the last `depth` blocks can be undone. */
async function playAndUndo(
  depth: number,
): Promise<{ scene: Partial<Scene>; redo: (provider: Provider) => Promise<void> }> {
  const scene: Partial<Scene> = {};
  const undone = Math.min(depth - 1, acts.length);
  const before = acts.slice(0, acts.length - undone);
  if (undone > 0) for (const act of before) await act(scene, honest);
  else await playWithoutPayment(scene, before);
  const snapshot = await testNode(devnet.network, "evm_snapshot");
  await testNode(devnet.network, "evm_setAutomine", [true]);
  await devnet.mine(Math.max(0, depth - 1 - undone));
  for (const act of acts.slice(acts.length - undone)) await act(scene, honest);
  if (undone === 0) await devnet.mine();
  await about(scene.task as TaskAddress, "mined");
  await testNode(devnet.network, "evm_revert", [snapshot]);
  return {
    scene,
    redo: async (provider) => {
      for (const act of acts.slice(acts.length - undone)) await act(scene, provider);
    },
  };
}

/** The daemon pays at once, so the last act's block must be the last for a moment. */
async function playWithoutPayment(scene: Partial<Scene>, [...some]: typeof acts): Promise<void> {
  const last = some.pop();
  for (const act of some) await act(scene, honest);
  await testNode(devnet.network, "evm_setAutomine", [false]);
  const played = last?.(scene, honest);
  while ((await devnet.publicClient.getBlockTransactionCount({ blockTag: "pending" })) === 0) await sleep(10);
  await devnet.mine();
  await played;
}

async function untilFinal(task: TaskAddress): Promise<void> {
  let done = false;
  const final = about(task, "final").finally(() => {
    done = true;
  });
  while (!done) {
    await devnet.mine();
    await Promise.race([final, sleep(50)]);
  }
  await final;
}

describe("a reorg", () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])("of depth %i loses nothing and pays nothing twice", async (depth) => {
    const { scene, redo } = await playAndUndo(depth);
    await redo(honest);
    const { task, response } = scene as Scene;
    await untilFinal(task);
    expect((await confirmationsOnChain(devnet)).get(task)).toBe(1);
    expect(await isConfirmed(devnet, response)).toBe(true);
    const agent = { address: devnet.accounts.agent.address };
    expect(await devnet.publicClient.getTransactionCount({ ...agent, blockTag: "pending" })).toBe(
      await devnet.publicClient.getTransactionCount(agent),
    );
  });

  it("that takes a task back for good frees the nonce of what was sent for it, and what comes next is paid", async () => {
    const { scene } = await playAndUndo(4);
    const { task: gone } = { ...scene } as Scene;
    let freed = false;
    const cancelled = about(gone, "cancelled").finally(() => {
      freed = true;
    });
    while (!freed) {
      await devnet.mine();
      await Promise.race([cancelled, sleep(50)]);
    }
    expect(await cancelled).toMatchObject({ reason: "a reorg took the task back" });
    const told = daemon.output().length;
    const next: Partial<Scene> = {};
    for (const act of acts) await act(next, cheap);
    const { task, response } = next as Scene;
    await untilFinal(task);
    expect((await confirmationsOnChain(devnet)).get(task)).toBe(1);
    expect(await isConfirmed(devnet, response)).toBe(true);
    // It vanished with its confirmation: nobody looks for it any more.
    expect(daemon.output().slice(told)).not.toContain(gone);
  });

  it("that puts another provider's response in the approved one's place has that one judged before it is paid", async () => {
    const { scene, redo } = await playAndUndo(4);
    const first = { ...scene } as Scene;
    await redo(cheap);
    const { task, response } = scene as Scene;
    expect(response).toBe(first.response);
    await untilFinal(task);
    const verdicts = daemon.output().match(/"kind":"confirm"/g) ?? [];
    expect(verdicts.length).toBeGreaterThanOrEqual(2);
    expect((await confirmationsOnChain(devnet)).get(task)).toBe(1);
  });
});
