import { afterAll, describe, expect, it } from "vitest";
import { cleanUp } from "../../sim/home.ts";
import { plants } from "../../sim/plants.ts";
import { simulate } from "../../sim/simulate.ts";

afterAll(cleanUp);

describe("the simulator", () => {
  it("is deterministic: the same seed leaves the same trace", async () => {
    for (const seed of [1, 2, 3]) {
      const [once, twice] = [await simulate({ seed, focus: "all" }), await simulate({ seed, focus: "all" })];
      expect(twice.traceHash).toBe(once.traceHash);
    }
    expect((await simulate({ seed: 4, focus: "all" })).traceHash).not.toBe(
      (await simulate({ seed: 5, focus: "all" })).traceHash,
    );
  });

  it("finds nothing wrong with the daemon in a short set of seeds", async () => {
    const violations: unknown[] = [];
    let broadcasts = 0;
    let failovers = 0;
    let clocksSet = 0;
    let authorised = 0;
    for (let seed = 1; seed <= 30; seed++) {
      const { violation, counts } = await simulate({ seed, focus: "all" });
      if (violation) violations.push({ seed, ...violation });
      broadcasts += counts.broadcast ?? 0;
      failovers += counts.failover ?? 0;
      clocksSet += counts["clock set"] ?? 0;
      authorised += counts["a client authorises its agents"] ?? 0;
    }
    expect(violations).toEqual([]);
    expect(broadcasts).toBeGreaterThan(30);
    expect(failovers).toBeGreaterThan(10);
    expect(clocksSet).toBeGreaterThan(10);
    expect(authorised).toBeGreaterThan(10);
  });

  it.each(Object.keys(plants))("finds the planted bug %s within 200 seeds", async (plant) => {
    const focus = plants[plant]?.focus ?? "all";
    let found: number | undefined;
    for (let seed = 1; seed <= 200 && found === undefined; seed++) {
      if ((await simulate({ seed, focus, plant })).violation) found = seed;
    }
    expect(found).toBeDefined();
  });
});
