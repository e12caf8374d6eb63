import { parseTransaction } from "viem";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Fees } from "../../../src/chain/chainPort.ts";
import type { Confirmation } from "../../../src/journal/journal.ts";
import { toNonce, wei } from "../../../src/protocol/brand.ts";
import { noCaps } from "../../../src/sink/guardrails/caps.ts";
import { createGuard, type Guard, unlimited } from "../../../src/sink/guardrails/guard.ts";
import { loadLedger, openLedger } from "../../../src/sink/guardrails/openLedger.ts";
import { cancel, replace, signAfresh, transferGas } from "../../../src/sink/replace.ts";
import type { TrackDeps } from "../../../src/sink/track.ts";
import { admit } from "../../support/admit.ts";
import { createSinkBench, type SinkBench } from "../../support/sinkBench.ts";

const dayMs = 24 * 3_600_000;
const dear = 100n;

let bench: SinkBench;
let now: number;
beforeEach(() => {
  bench = createSinkBench();
  now = 0;
});
afterEach(() => bench.remove());

const guardOf = (gasPerDay: bigint): Guard => {
  const { journal } = bench;
  const ledger = openLedger(journal, () => now);
  const deps = { journal, ledger, capsOf: () => noCaps, now: () => now, report: () => undefined };
  return createGuard(deps, { ...unlimited, gasPerDay: wei(gasPerDay) });
};
const feesOf = (maxFeePerGas: bigint): Fees => ({ type: "eip1559", maxFeePerGas, maxPriorityFeePerGas: 1n });
const depsWith = (guard: Guard, price: bigint, changes: Partial<TrackDeps> = {}): TrackDeps =>
  bench.deps({ fees: async () => feesOf(price) }, { guard, now: () => now, ...changes });
/** A confirmation that is signed, and the most that its gas may cost. */
const sign = async (): Promise<{ readonly sent: Confirmation; readonly cost: bigint }> => {
  const { id } = await bench.intend();
  const { confirmation: sent } = await admit(depsWith(guardOf(10n ** 12n), 1n), id);
  const { gas = 0n } = parseTransaction(sent.attempts[0]?.raw ?? "0x");
  return { sent, cost: gas };
};
const inJournal = async (): Promise<bigint> => (await loadLedger(bench.journal, now)).gas.sum(now);
const other = () => [bench.signer.address, toNonce(9)] as const;

describe("the transfer that takes the nonce of what may not be paid", () => {
  it("is held by no ceiling on gas, and counts: by it the others hold, after a restart, too", async () => {
    const { sent, cost } = await sign();
    const guard = guardOf(cost);
    expect(transferGas * dear).toBeGreaterThan(cost);
    expect(await cancel(depsWith(guard, dear), sent)).toMatchObject({ type: "signed" });
    expect(await inJournal()).toBe(transferGas * dear);
    for (const each of [guard, guardOf(transferGas * dear)]) {
      expect(await each.reserveGas(...other(), wei(1n))).toBe(false);
    }
  });

  it("counts before it is signed: nobody else takes its room meanwhile", async () => {
    const { sent } = await sign();
    const guard = guardOf(transferGas * dear);
    const answers: boolean[] = [];
    const signer: TrackDeps["signer"] = {
      ...bench.signer,
      sign: async (transaction) => {
        answers.push(await guard.reserveGas(...other(), wei(1n)));
        return bench.signer.sign(transaction);
      },
    };
    await cancel(depsWith(guard, dear, { signer }), sent);
    expect(answers).toEqual([false]);
  });

  it("counts from its signature on where what it replaces was signed more than a day before, after a restart, too", async () => {
    const { sent, cost } = await sign();
    now = dayMs + 1;
    const guard = guardOf(10n ** 12n);
    expect(transferGas * 2n).toBeLessThan(cost);
    await cancel(depsWith(guard, 2n), sent);
    expect(await inJournal()).toBe(transferGas * 2n);
  });

  it("is offered at a higher price also where too much is counted already, as long as it counts no more by that", async () => {
    const { sent, cost } = await sign();
    // The operator has lowered the ceiling.
    const deps = depsWith(guardOf(cost / 2n), 1n);
    const cancelled = await cancel(deps, sent);
    if (cancelled.type !== "signed") throw new Error(cancelled.type);
    const [dearer, tooDear] = [
      await replace(depsWith(deps.guard, 4n), cancelled.confirmation),
      await replace(depsWith(deps.guard, dear), cancelled.confirmation),
    ];
    expect(dearer).toMatchObject({ type: "signed" });
    expect(tooDear).toEqual({ type: "ceiling", cap: "guardrails.gasPerDay" });
  });
});

it("a call that costs no more than the one in its place is held by no ceiling, however long ago that was signed", async () => {
  const { sent, cost } = await sign();
  now = dayMs + 1;
  const guard = guardOf(1n);
  const gas = 50_000n;
  expect((gas * 5n) / 4n).toBeLessThan(cost);
  const offered = depsWith(guard, 1n, { maxFeePerGas: 1n });
  expect(await signAfresh(offered, sent, gas)).toMatchObject({ type: "signed" });
  expect(await signAfresh(offered, sent, 2n * cost)).toEqual({ type: "ceiling", cap: "guardrails.gasPerDay" });
});
