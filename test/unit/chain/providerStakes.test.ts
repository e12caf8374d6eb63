import { EMPTY } from "rxjs";
import { encodeFunctionResult, toFunctionSelector } from "viem";
import { expect, it } from "vitest";
import { createChain } from "../../../src/chain/createChain.ts";
import { type HttpRpc, type RpcAnswer, RpcError } from "../../../src/chain/jsonRpc.ts";
import { systemClock } from "../../../src/clock.ts";
import { terminalAbi, vaultAbi } from "../../../src/protocol/abi.ts";
import type { AccountAddress, Hex } from "../../../src/protocol/brand.ts";
import { deploymentOn } from "../../../src/protocol/chains.ts";
import { address } from "../../support/fakeChain.ts";

const [known, strange] = [0x51, 0x52].map((digits) => address<AccountAddress>(digits)) as [
  AccountAddress,
  AccountAddress,
];
const master = address<AccountAddress>(0x61);

const told = (
  [
    [vaultAbi, "getLockupOf", 5n],
    [vaultAbi, "isEligible", true],
    [terminalAbi, "getMasterOf", master],
  ] as const
).map(([abi, name, result]) => ({
  name,
  selector: toFunctionSelector(`${name}(address)`),
  result: encodeFunctionResult({ abi, functionName: name, result } as never),
}));

/** The stakes of both, on a node that answers so for the second one. */
function stakesWhere(answerFor: (name: string) => RpcAnswer | undefined) {
  const rpc: HttpRpc = {
    name: "node",
    call: () => Promise.reject(new Error("not asked here")),
    batch: async (calls) =>
      calls.map(({ params }): RpcAnswer => {
        const { data } = params[0] as { data: Hex };
        const found = told.find(({ selector }) => data.startsWith(selector));
        if (found === undefined) throw new Error("that is not asked for a stake");
        const isStrange = data.endsWith(strange.slice(2));
        return (isStrange ? answerFor(found.name) : undefined) ?? { result: found.result };
      }),
  };
  const deployment = deploymentOn(1071);
  if (deployment === undefined) throw new Error("no deployment");
  const deps = { rpc, deployment, clock: systemClock, report: () => undefined, socket$: EMPTY };
  return createChain({ ...deps, pollIntervalMs: 1_000, finality: 3 }).providerStakes([known, strange], 100n);
}
const whole = { lockup: 5n, eligible: true, master };
const revert: RpcAnswer = { error: new RpcError("execution reverted", 3, "0x") };

it("are read of all, in the order given", async () => {
  expect(await stakesWhere(() => undefined)).toEqual([whole, whole]);
});

it("are told without what a contract reverts for: the others' are no less known", async () => {
  expect(await stakesWhere(() => revert)).toEqual([whole, {}]);
  expect(await stakesWhere((name) => (name === "getMasterOf" ? revert : undefined))).toEqual([
    whole,
    { lockup: 5n, eligible: true },
  ]);
});

it.each<[string, RpcAnswer, RegExp]>([
  ["has no contract there", { result: "0x" }, /does not have the stake of 0x\S+ in block 100/],
  ["does not have the block", { error: new RpcError("header not found", -32000, undefined) }, /header not found/],
])("are not told where the node %s: that is to be tried again", async (_what, answer, message) => {
  await expect(stakesWhere(() => answer)).rejects.toThrow(message);
});
