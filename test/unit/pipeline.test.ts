import { map, NEVER, of, Subject } from "rxjs";
import { describe, expect, it } from "vitest";
import type { Confirmation } from "../../src/journal/journal.ts";
import type { Judged } from "../../src/judgeTask.ts";
import { createPipeline, type PipelineDeps } from "../../src/pipeline.ts";
import type { TaskAddress } from "../../src/protocol/brand.ts";
import type { Report } from "../../src/report.ts";
import { address, task } from "../support/fakeChain.ts";
import { createVirtualTime } from "../support/virtualTime.ts";

const confirmation = (state: Confirmation["state"]) => ({ id: 1, task, state }) as Confirmation;

/** A pipe whose only way in is a list of tasks. */
const run = (judge: (look: number) => Promise<Judged>, changes: Partial<PipelineDeps> = {}) => {
  const time = createVirtualTime();
  const found$ = new Subject<TaskAddress>();
  const stop$ = new Subject<true>();
  const reports: Report[] = [];
  const looks: number[] = [];
  const outcomes: unknown[] = [];
  const pipeline$ = createPipeline({
    chain: { head$: NEVER, liveEvents$: NEVER },
    intakes: {
      live: () => found$,
      scan: () => NEVER,
      audit: () => NEVER,
      reconcile: () => NEVER,
    } as PipelineDeps["intakes"],
    sweep$: NEVER,
    judge: () => {
      looks.push(time.clock.now());
      return judge(looks.length);
    },
    sink: { pay: (intents$) => intents$ },
    clock: time.clock,
    report: (report) => void reports.push(report),
    stop$,
    concurrency: 4,
    ...changes,
  });
  pipeline$.subscribe({
    next: ({ state }) => outcomes.push(state),
    error: (error) => outcomes.push(error),
    complete: () => outcomes.push("complete"),
  });
  return { time, found$, stop$, reports, looks, outcomes };
};

describe("the pipe", () => {
  it("hands an intent to the sink, and looks once at a task however often it was found meanwhile", async () => {
    const { time, found$, looks, outcomes } = run(async () => ({ intent: confirmation("intended") }));
    for (let count = 0; count < 10; count++) found$.next(task);
    await time.pass(100);
    expect([looks.length, outcomes]).toEqual([2, ["intended", "intended"]]);
  });

  it("outlives a look that fails, says so, and looks again", async () => {
    const { time, found$, reports, looks, outcomes } = run(async (look) => {
      if (look === 1) throw new Error("down");
      return { intent: confirmation("intended") };
    });
    found$.next(task);
    await time.pass(6_000);
    expect(reports).toMatchObject([{ type: "retry", what: `task ${task}`, inMs: 5_000 }]);
    expect([looks, outcomes]).toEqual([[0, 5_000], ["intended"]]);
  });

  it("has one timer a task, however often a look that must be repeated is repeated", async () => {
    const { time, found$, looks } = run(async () => {
      throw new Error("down");
    });
    for (let count = 0; count < 20; count++) {
      found$.next(task);
      await time.pass(50);
    }
    const before = looks.length;
    await time.pass(50_000);
    expect(looks.length - before).toBeLessThanOrEqual(10);
  });

  it.each(["live", "scan", "audit", "reconcile"] as const)("looks at what the way in %s finds", async (way) => {
    const none = () => NEVER;
    const intakes = { live: none, scan: none, audit: none, reconcile: none, [way]: () => of(task) };
    const { time, looks } = run(async () => ({}), { intakes: intakes as PipelineDeps["intakes"] });
    await time.pass(100);
    expect(looks).toEqual([0]);
  });

  it("looks at what is to be looked at again although nothing happened on chain", async () => {
    const { time, looks } = run(async () => ({}), { revisits$: of(task) });
    await time.pass(100);
    expect(looks).toEqual([0]);
  });

  it("looks again at once where a look says so", async () => {
    const { time, found$, looks } = run(async (look) => (look === 1 ? { againInMs: 0 } : {}));
    found$.next(task);
    await time.pass(100);
    expect(looks).toHaveLength(2);
  });

  it("hands an intent on, also where the look that led to it is to be repeated", async () => {
    const { time, found$, looks, outcomes } = run(async (look) =>
      look === 1 ? { intent: confirmation("intended"), againInMs: 1_000 } : {},
    );
    found$.next(task);
    await time.pass(2_000);
    expect([looks, outcomes]).toEqual([[0, 1_000], ["intended"]]);
  });

  it("keeps no task waiting for the look at another one", async () => {
    const { time, found$, looks } = run((look) => (look === 1 ? new Promise(() => undefined) : Promise.resolve({})));
    for (const each of [task, address<TaskAddress>(0x77)]) found$.next(each);
    await time.pass(100);
    expect(looks).toHaveLength(2);
  });

  it("looks again when it is due", async () => {
    const { time, found$, looks } = run(async (look) => (look === 1 ? { againInMs: 2_000 } : {}));
    found$.next(task);
    await time.pass(10_000);
    expect(looks).toEqual([0, 2_000]);
  });

  it.each(["rejected", "cancelled"] as const)(
    "looks again when a payment was %s: another response may do",
    async (state) => {
      const sink = { pay: map(() => confirmation(state)) };
      const { time, found$, looks, outcomes } = run(
        async (look) => (look === 1 ? { intent: confirmation("intended") } : {}),
        { sink },
      );
      found$.next(task);
      await time.pass(1_000);
      expect([looks.length, outcomes]).toEqual([2, [state]]);
    },
  );

  it("ends when it is told to, timers and all", async () => {
    const { time, found$, stop$, looks, outcomes } = run(async () => ({ againInMs: 1_000 }));
    found$.next(task);
    await time.pass(100);
    stop$.next(true);
    await time.pass(10_000);
    expect([looks.length, outcomes]).toEqual([1, ["complete"]]);
  });
});
