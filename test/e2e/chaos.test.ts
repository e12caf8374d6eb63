import { expect, it } from "vitest";
import { whyNoPostgres } from "../../devnet/postgres.ts";
import { runChaos } from "../chaos/chaos.ts";
import { faultNames } from "../chaos/faults.ts";

/** The short form of `npm run chaos`. */
it("pays each task once, leaves no gap and nothing pending, however often it is killed and whatever the node does", async () => {
  const { violations, tasksPaidOnce, kills, faults } = await runChaos({ kills: 10, tasks: 30, seed: 7 });
  expect(violations).toEqual([]);
  expect({ tasksPaidOnce, kills }).toEqual({ tasksPaidOnce: 30, kills: 10 });
  for (const fault of faultNames) expect(faults[fault]).toBeGreaterThan(0);
}, 240_000);

const why = whyNoPostgres();

it.skipIf(why !== undefined)(
  `does so, too, with its journal in a PostgreSQL server that crashes beside${why === undefined ? "" : ` (${why})`}`,
  async () => {
    const found = await runChaos({ kills: 8, tasks: 20, seed: 11, postgres: true });
    expect(found.violations).toEqual([]);
    expect(found.tasksPaidOnce).toBe(20);
    expect(found.serverCrashes).toBeGreaterThan(0);
  },
  240_000,
);
