import { getAbiItem, toFunctionSelector } from "viem";
import { expect, it } from "vitest";
import { type HttpRpc, type RpcAnswer, RpcError } from "../../../src/chain/jsonRpc.ts";
import { responsesOf, taskStandings } from "../../../src/chain/taskStandings.ts";
import { taskAbi } from "../../../src/protocol/abi.ts";
import type { Hex, ResponseAddress, TaskAddress } from "../../../src/protocol/brand.ts";
import { type Deployment, deploymentOn, mainnet } from "../../../src/protocol/chains.ts";
import { TaskStatus } from "../../../src/protocol/statuses.ts";
import { callView, revertBytes } from "../../sim/modelCalls.ts";
import { applyAction, emptyState } from "../../sim/modelContracts.ts";
import { address, client, source } from "../../support/fakeChain.ts";

const deployment = deploymentOn(mainnet.id) as Deployment;
const reverted: RpcAnswer = { error: new RpcError("execution reverted", 3, revertBytes("no")) };
const selectorOf = (name: "getStatus" | "getExpiryTime") => toFunctionSelector(getAbiItem({ abi: taskAbi, name }));
const responseOf = (task: TaskAddress, index: number) => address<ResponseAddress>(Number(task) * 10_000 + index);
const responsesTo = (task: TaskAddress, count: number) =>
  Array.from({ length: count }, (_, index) => responseOf(task, index));

/** A node with a task for each of these numbers, which has as many responses; its lists may not be asked past their end. */
function nodeWith(counts: readonly number[], silent?: Hex) {
  const state = emptyState();
  applyAction(state, { type: "publishSource", source, client, deliveryMethod: 0 }, 1);
  const tasks = counts.map((count, index) => {
    const task = address<TaskAddress>(0x100 + index);
    applyAction(state, { type: "publishTask", task, source, config: "{}", expiryTime: 5_000 + index, payment: 9n }, 1);
    for (const [at, response] of responsesTo(task, count).entries()) {
      const provider = address<Hex>(0x1000 + at);
      applyAction(state, { type: "attempt", task, provider }, 2);
      applyAction(state, { type: "submit", response, task, provider, data: "{}", payment: 8n }, 3);
    }
    return task;
  });
  const blocks = new Set<unknown>();
  const rpc: HttpRpc = {
    name: "node",
    call: async () => undefined as never,
    batch: async (calls) =>
      calls.map(({ params: [call, block] }): RpcAnswer => {
        blocks.add(block);
        const { to, data } = call as { to: Hex; data: Hex };
        if (silent !== undefined && data.startsWith(silent)) return reverted;
        const found = callView(state, deployment, { to, data }, true);
        return found.ok ? { result: found.data } : reverted;
      }),
  };
  return { rpc, tasks, blocks };
}

it("tells how each task stands with all of its responses, in order, whether they fill a page or many", async () => {
  const counts = [2, 0, 256, 257, 1, 2_049];
  const { rpc, tasks } = nodeWith(counts);
  const standings = await taskStandings(rpc, tasks);
  expect(standings).toEqual(
    tasks.map((task, index) => ({
      status: counts[index] === 0 ? TaskStatus.NEW : TaskStatus.RESPONDED,
      expiryTime: 5_000 + index,
      responses: responsesTo(task, counts[index] ?? 0),
    })),
  );
});

it.each([undefined, selectorOf("getStatus"), selectorOf("getExpiryTime")])(
  "does not tell how a task stands that the node does not have, or has half of: %s",
  async (silent) => {
    const { rpc, tasks } = nodeWith([1], silent);
    const asked = silent === undefined ? [address<TaskAddress>(0xdead)] : tasks;
    expect(await taskStandings(rpc, asked)).toEqual([undefined]);
  },
);

it("reads the responses in the block that it is asked for, and tells how far it came", async () => {
  const { rpc, tasks, blocks } = nodeWith([3]);
  const [task] = tasks as [TaskAddress];
  expect(await responsesOf(rpc, task, 3, "0x7")).toEqual({ found: responsesTo(task, 3), next: 3 });
  expect([...blocks]).toEqual(["0x7"]);
  // One that lags has not all that another one has counted.
  expect((await responsesOf(rpc, task, 300, "0x7")).next).toBeLessThan(300);
});
