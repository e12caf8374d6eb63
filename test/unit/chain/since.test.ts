import { EMPTY } from "rxjs";
import { encodeFunctionResult, toFunctionSelector } from "viem";
import { expect, it } from "vitest";
import { createChain } from "../../../src/chain/createChain.ts";
import type { HttpRpc, RpcAnswer } from "../../../src/chain/jsonRpc.ts";
import { systemClock } from "../../../src/clock.ts";
import { terminalAbi } from "../../../src/protocol/abi.ts";
import type { AccountAddress, Hex } from "../../../src/protocol/brand.ts";
import { deploymentOn } from "../../../src/protocol/chains.ts";
import { address, client, hashOf, source, task } from "../../support/fakeChain.ts";

const selector = toFunctionSelector("getIsAgentOf(address,address)");
const [agent, another] = [address<AccountAddress>(0x98), address<AccountAddress>(0x99)];

/** A node that stands at a block, and knows no source, and one agent or none. */
function chainAt(head: bigint, known?: AccountAddress) {
  const asked: string[] = [];
  const rpc: HttpRpc = {
    name: "node",
    call: () => Promise.reject(new Error("not asked here")),
    batch: async (calls) =>
      calls.map(({ method, params: [first] }): RpcAnswer => {
        asked.push(method);
        if (method === "eth_getBlockByNumber") {
          const number = first as Hex;
          const block = { number, hash: hashOf(BigInt(number)), parentHash: hashOf(0), timestamp: "0x1" };
          return { result: BigInt(number) <= head ? block : null };
        }
        const { data } = first as { data: Hex };
        if (!data.startsWith(selector)) return { result: "0x" };
        const result = known !== undefined && data.endsWith(known.slice(2));
        return { result: encodeFunctionResult({ abi: terminalAbi, functionName: "getIsAgentOf", result } as never) };
      }),
  };
  const deployment = deploymentOn(1071);
  if (deployment === undefined) throw new Error("no deployment");
  const deps = { rpc, deployment, clock: systemClock, report: () => undefined, socket$: EMPTY };
  return { asked, chain: createChain({ ...deps, pollIntervalMs: 1_000, finality: 3 }) };
}

it.each<[string, bigint, AccountAddress | undefined, boolean | "behind"]>([
  ["takes no node's word that there is no agent in a block that it does not have", 19n, undefined, "behind"],
  ["takes its word where it has that block", 20n, undefined, false],
  ["takes any node's word that one is an agent", 19n, another, true],
])("%s", async (_, head, known, expected) => {
  const { asked, chain } = chainAt(head, known);
  expect(await chain.hasAgentAmong(client, [agent, another], 20n)).toBe(expected);
  // A node that takes the block in meanwhile has it for what comes after.
  expect(asked).toEqual(["eth_getBlockByNumber", "eth_call", "eth_call"]);
});

it.each<[string, bigint, "behind" | undefined]>([
  ["takes no node's word that there is no source in a block that it does not have", 19n, "behind"],
  ["takes its word on a source where it has that block", 20n, undefined],
])("%s", async (_, head, expected) => {
  const { asked, chain } = chainAt(head);
  expect(await chain.source(source, 20n)).toBe(expected);
  expect(asked[0]).toBe("eth_getBlockByNumber");
});

it.each<[string, bigint, "behind" | undefined]>([
  ["takes no node's word that there is no task in a block that it does not have", 19n, "behind"],
  ["takes its word on a task where it has that block", 20n, undefined],
])("%s", async (_, head, expected) => {
  const { asked, chain } = chainAt(head);
  expect(await chain.sourceOfTask(task, 20n)).toBe(expected);
  expect(asked).toEqual(["eth_getBlockByNumber", "eth_call"]);
});
