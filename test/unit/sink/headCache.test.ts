import { beforeEach, expect, it } from "vitest";
import type { ChainPort } from "../../../src/chain/chainPort.ts";
import { headCache } from "../../../src/sink/headCache.ts";

let now: number;
let asked: number;
beforeEach(() => {
  now = 3_600_000;
  asked = 0;
});

/** Of fees that cost 1 wei more each time that they are asked for. @param mayPay Whether something may be to pay. */
const cacheOf = (mayPay: boolean) => {
  const fees = async () => {
    asked += 1;
    return { type: "legacy", gasPrice: BigInt(asked) } as const;
  };
  return headCache(
    { fees } as unknown as ChainPort,
    [],
    () => now,
    async () => mayPay,
  );
};

it("asks for the fees again where the clock was set back since they were read", async () => {
  const { chain, refresh } = cacheOf(true);
  await chain.fees();
  await chain.fees();
  expect(asked).toBe(1);
  now = 0;
  await refresh();
  expect(asked).toBe(2);
  now = 3_600_000;
  await chain.fees();
  now = 0;
  await chain.fees();
  expect(asked).toBe(4);
});

it("reads anew what was known before a head at which nothing was to pay", async () => {
  const { chain, refresh } = cacheOf(false);
  await chain.fees();
  await refresh();
  expect(await chain.fees()).toMatchObject({ gasPrice: 1n });
  await refresh();
  expect(await chain.fees()).toMatchObject({ gasPrice: 2n });
});
