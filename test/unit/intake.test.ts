import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lastValueFrom, of, toArray } from "rxjs";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { ChainPort } from "../../src/chain/chainPort.ts";
import type { Sweep } from "../../src/chain/sweep.ts";
import type { Watch } from "../../src/chain/watch.ts";
import { RetryableError } from "../../src/errors.ts";
import { createIntakes } from "../../src/intake.ts";
import type { Cursor, Journal } from "../../src/journal/journal.ts";
import { openSqliteJournal } from "../../src/journal/sqliteJournal.ts";
import { fakeChain, headAt } from "../support/fakeChain.ts";
import { createVirtualTime, type VirtualTime } from "../support/virtualTime.ts";

let directory: string;
let journal: Journal;
let head: bigint;
let time: VirtualTime;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "intake-"));
  journal = openSqliteJournal({ path: join(directory, "journal.sqlite"), chainId: 1071 });
  head = 100n;
  time = createVirtualTime();
});
afterEach(async () => {
  await journal.close();
  rmSync(directory, { recursive: true });
});

const intakesOn = (chain: Partial<ChainPort>, onSweep: () => Promise<void>) => {
  const sweep: Pick<Sweep, "round" | "forget"> = {
    round: async function* () {
      await onSweep();
      yield* [];
    },
    forget: () => undefined,
  };
  const nothing = { tasks: [], responses: [], touched: [], stored: () => undefined };
  const watch: Partial<Watch> = { resolve: async () => nothing, forget: () => undefined, rewound: () => undefined };
  return createIntakes(
    {
      chain: fakeChain({ head: async () => headAt(head), block: async (number) => headAt(number), ...chain }),
      journal,
      watch: watch as Watch,
      sweep: sweep as Sweep,
      clock: time.clock,
      report: () => undefined,
    },
    { startBlock: "head", maxBlockRange: 100, rewind: 64, auditEveryMs: 60_000 },
  );
};

it("sets a new journal's checkpoint before the first sweep reads the state, so that nothing falls between the two", async () => {
  const asked: [bigint, bigint][] = [];
  let atSweep: Cursor | undefined;
  const events: ChainPort["events"] = async (from, to) => {
    asked.push([from, to]);
    return { events: [], last: headAt(to) };
  };
  const { reconcile, scan } = intakesOn({ events, finalBlock: async ({ number }) => number }, async () => {
    atSweep = await journal.cursor();
    // What is mined from here on, the sweep has not seen.
    head = 105n;
  });
  await lastValueFrom(of("start").pipe(reconcile, toArray()));
  expect(atSweep?.number).toBe(100n);
  await lastValueFrom(of(headAt(105n)).pipe(scan, toArray()));
  expect(asked).toEqual([[101n, 105n]]);
  expect((await journal.cursor())?.number).toBe(105n);
});

it("sets it at the next try where the node did not answer", async () => {
  let failures = 1;
  const answer = async () => {
    if (failures-- > 0) throw new RetryableError("down", { code: "ENDPOINT_UNAVAILABLE" });
    return headAt(head);
  };
  let sweeps = 0;
  const { reconcile } = intakesOn({ head: answer }, async () => {
    sweeps += 1;
  });
  const done = lastValueFrom(of("start").pipe(reconcile, toArray()));
  await time.pass(100);
  expect([sweeps, await journal.cursor()]).toEqual([0, undefined]);
  await time.pass(1_000);
  await done;
  expect([sweeps, (await journal.cursor())?.number]).toEqual([1, 100n]);
});
