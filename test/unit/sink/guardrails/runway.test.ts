import { expect, it } from "vitest";
import { type AccountAddress, wei } from "../../../../src/protocol/brand.ts";
import { createRunway } from "../../../../src/sink/guardrails/runway.ts";
import { address } from "../../../support/fakeChain.ts";

it("reads the balance again where the clock was ahead and is set right: a key that was filled up pays at once", async () => {
  const day = 24 * 3_600_000;
  let [now, balance] = [1_000 * day, wei(0n)];
  const runway = createRunway(
    {
      chain: { balance: async () => balance, fees: async () => ({ type: "legacy", gasPrice: 1n }) },
      signer: { address: address<AccountAddress>(1) },
      gasFigure: { known: () => 100n, learn: () => undefined },
      unmined: () => 0,
      now: () => now,
      report: () => undefined,
    },
    0,
  );
  now += 2 * day;
  await runway.look();
  expect(runway.affordable()).toBe(0);
  now -= 2 * day;
  balance = wei(10n ** 18n);
  await runway.look();
  expect(runway.affordable()).toBeGreaterThan(0);
});
