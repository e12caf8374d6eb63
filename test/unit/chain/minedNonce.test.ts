import { EMPTY } from "rxjs";
import { describe, expect, it } from "vitest";
import { createChain } from "../../../src/chain/createChain.ts";
import type { HttpRpc, RpcCall } from "../../../src/chain/jsonRpc.ts";
import { systemClock } from "../../../src/clock.ts";
import type { AccountAddress, Hash } from "../../../src/protocol/brand.ts";
import { deploymentOn } from "../../../src/protocol/chains.ts";
import { address, hashOf } from "../../support/fakeChain.ts";

const deployment = deploymentOn(1071);
if (deployment === undefined) throw new TypeError("no deployment to test with");
const account = address<AccountAddress>(0x51);

/** An endpoint that has one block, and counts so many transactions in it. */
const endpoint = (hash: Hash, count: number): HttpRpc => {
  const answer = ({ method }: RpcCall) => ({
    result: method === "eth_getTransactionCount" ? `0x${count.toString(16)}` : { hash },
  });
  return {
    name: "an endpoint",
    batch: async (calls) => calls.map(answer),
    call: async <T>(method: string, ...params: readonly unknown[]) => answer({ method, params }).result as T,
  };
};
const chainOn = (rpc: HttpRpc, elsewhere?: HttpRpc) =>
  createChain({
    ...{ rpc, ...(elsewhere && { elsewhere }), socket$: EMPTY, deployment, finality: 1, pollIntervalMs: 60_000 },
    ...{ clock: systemClock, report: () => undefined },
  });

describe("the count of an account's transactions, elsewhere", () => {
  const head = { number: 100n, hash: hashOf(100) };
  const here = endpoint(head.hash, 1_000_000);

  it("comes from another endpoint, where there is one", async () => {
    const chain = chainOn(here, endpoint(head.hash, 8));
    expect(await chain.minedNonce(account, 100n, head)).toBe(1_000_000);
    expect(await chain.minedNonceElsewhere(account, 100n, head)).toBe(8);
    expect(await chainOn(here).minedNonceElsewhere(account, 100n, head)).toBe(1_000_000);
  });

  it("is not told of by one that stands on another branch", async () => {
    const chain = chainOn(here, endpoint(hashOf(200), 8));
    await expect(chain.minedNonceElsewhere(account, 100n, head)).rejects.toMatchObject({ code: "NODE_BEHIND" });
  });
});
