import { expect, it } from "vitest";
import { whyNoPostgres } from "../../devnet/postgres.ts";
import { runChaos } from "../chaos/chaos.ts";
import { faultNames } from "../chaos/faults.ts";
import { startMining } from "../chaos/mining.ts";
import { openStage } from "../chaos/stage.ts";
import { createPrng } from "../sim/prng.ts";

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

it("strikes with every fault although the daemon could have paid all there is before", async () => {
  const { violations, tasksPaidOnce, faults } = await runChaos({ kills: 2, tasks: 8, seed: 3 });
  expect(violations).toEqual([]);
  expect(tasksPaidOnce).toBe(8);
  expect(Object.values(faults)).toEqual(faultNames.map(() => 1));
}, 240_000);

it("tells at once of a fault that can never strike: all is answered and paid", async () => {
  const stage = await openStage(2);
  const mining = startMining({
    stage,
    prng: createPrng(1, "faults"),
    plan: [{ fault: "nonce stolen", afterKills: 0 }],
    kills: () => 0,
    // As a daemon would have it that pays each answer in the very block of the answer.
    isDry: async () => stage.unmined() === 0,
    log: () => undefined,
    inspect: async () => undefined,
  });
  try {
    await Promise.race([expect.poll(mining.starved, { timeout: 30_000 }).toBe("nonce stolen"), mining.broken]);
    expect({ sent: stage.sent(), struck: mining.struck, left: mining.left() }).toEqual({
      sent: 2,
      struck: [],
      left: 1,
    });
  } finally {
    await mining.stop();
    await stage.devnet.stop();
  }
});
