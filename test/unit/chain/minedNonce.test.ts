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
const endpoint = ({ number, hash }: { readonly number: bigint; readonly hash: Hash }, count: number): HttpRpc => {
  const answer = ({ method }: RpcCall) => ({
    result:
      method === "eth_getTransactionCount" ? `0x${count.toString(16)}` : { hash, number: `0x${number.toString(16)}` },
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
  const here = endpoint(head, 1_000_000);

  it("comes from another endpoint, where there is one", async () => {
    const chain = chainOn(here, endpoint(head, 8));
    expect(await chain.minedNonce(account, 100n, head)).toBe(1_000_000);
    expect(await chain.minedNonceElsewhere(account, 100n)).toEqual({ mined: 8, block: 100n });
    expect(await chainOn(here).minedNonceElsewhere(account, 100n)).toEqual({ mined: 1_000_000, block: 100n });
  });

  it.each([99n, 101n, 84n, 116n])(
    "comes from one that stands at block %s, too, while the head is 100",
    async (number) => {
      const chain = chainOn(here, endpoint({ number, hash: hashOf(Number(number)) }, 8));
      expect(await chain.minedNonceElsewhere(account, 100n)).toEqual({ mined: 8, block: number });
    },
  );

  it.each([83n, 117n])("comes from none that stands as far away as block %s", async (number) => {
    const chain = chainOn(here, endpoint({ number, hash: hashOf(Number(number)) }, 8));
    await expect(chain.minedNonceElsewhere(account, 100n)).rejects.toMatchObject({ code: "NODE_BEHIND" });
  });
});

describe("the count of an account's transactions", () => {
  const head = { number: 100n, hash: hashOf(100) };
  /** It counts so many as the number of the block that it is asked of, has this one as block 100, and a newer one. */
  const node = (block: unknown): HttpRpc => {
    const counts: Record<string, string> = { latest: "0x64", pending: "0x66" };
    const answer = ({ method, params: [first, second] }: RpcCall) => {
      if (method === "eth_getTransactionCount") return { result: counts[String(second)] ?? second };
      return { result: first === "0x64" ? block : { hash: hashOf(101), number: "0x65" } };
    };
    return {
      name: "an endpoint",
      batch: async (calls) => calls.map(answer),
      call: async <T>(method: string, ...params: readonly unknown[]) => answer({ method, params }).result as T,
    };
  };

  it("is of the block that it is asked of, the newest one where none is named, or with what the node holds", async () => {
    const chain = chainOn(node({ hash: hashOf(100), number: "0x64" }));
    expect(await chain.minedNonce(account, 90n, head)).toBe(90);
    expect(await chain.minedNonce(account, 90n)).toBe(90);
    expect(await chain.minedNonce(account)).toBe(100);
    expect(await chain.pendingNonce(account)).toBe(102);
    expect(await chain.minedNonceElsewhere(account, 100n)).toEqual({ mined: 100, block: 101n });
  });

  it.each<[string, unknown]>([
    ["has another block there", { hash: hashOf(0xbad), number: "0x64" }],
    ["does not have it", null],
  ])("comes from no node that stands on another branch than the head that was read: it %s", async (_, block) => {
    await expect(chainOn(node(block)).minedNonce(account, 90n, head)).rejects.toMatchObject({ code: "NODE_BEHIND" });
  });
});
