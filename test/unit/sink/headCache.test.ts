import { expect, it } from "vitest";
import type { ChainPort } from "../../../src/chain/chainPort.ts";
import { headCache } from "../../../src/sink/headCache.ts";

it("asks for the fees again where the clock was set back since they were read", async () => {
  let now = 3_600_000;
  let asked = 0;
  const fees = async () => {
    asked += 1;
    return { type: "legacy", gasPrice: BigInt(asked) } as never;
  };
  const { chain, refresh } = headCache(
    { fees } as unknown as ChainPort,
    [],
    () => now,
    async () => true,
  );
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
  let asked = 0;
  const fees = async () => {
    asked += 1;
    return { type: "legacy", gasPrice: BigInt(asked) } as never;
  };
  const { chain, refresh } = headCache(
    { fees } as unknown as ChainPort,
    [],
    () => 0,
    async () => false,
  );
  await chain.fees();
  await refresh();
  expect(await chain.fees()).toMatchObject({ gasPrice: 1n });
  await refresh();
  expect(await chain.fees()).toMatchObject({ gasPrice: 2n });
});
