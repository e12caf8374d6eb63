import { VirtualTimeScheduler } from "rxjs";
import { describe, expect, it } from "vitest";
import { createSupervisor } from "../../../src/ops/supervise.ts";
import { unixSeconds, wei } from "../../../src/protocol/brand.ts";
import type { Report } from "../../../src/report.ts";

const head = (number: bigint): Report => ({ type: "head", number, timestamp: unixSeconds(0) });
const scanned = (block: bigint): Report => ({ type: "scanned", block });

const setup = (oldestLook: () => number | undefined = () => undefined) => {
  const scheduler = new VirtualTimeScheduler(undefined, Number.POSITIVE_INFINITY);
  const said: string[] = [];
  const troubles: string[] = [];
  const supervisor = createSupervisor(
    {
      notifier: {
        ready: (status) => said.push(`READY ${status}`),
        status: (text) => said.push(text),
        stopping: () => said.push("STOPPING"),
        reloading: (at) => said.push(`RELOADING ${at}`),
        watchdog: () => said.push("WATCHDOG"),
        extendStart: () => said.push("EXTEND"),
        drained: async () => undefined,
      },
      clock: { now: () => scheduler.frame, scheduler },
      monotonicMicros: () => 17n,
      onStall: (reason) => troubles.push(reason),
      onRecovery: () => troubles.push("moves"),
    },
    { everyMs: 15_000, patienceMs: 60_000, lookPatienceMs: 600_000, startMs: 300_000 },
  );
  const figures = { openTasks: 1, inFlight: 0, held: 0 };
  const journal = { figures: async () => figures, pause: async () => undefined };
  supervisor.start({ journal, oldestLook, paidLately: async () => wei(0n) });
  const passes = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      scheduler.maxFrames = scheduler.frame + 1_000;
      scheduler.schedule(() => undefined, 1_000);
      scheduler.flush();
      await new Promise(setImmediate);
    }
  };
  return { supervisor, said, troubles, passes };
};

describe("the supervisor", () => {
  it("asks for time until the backfill is done, then is READY once, and beats", async () => {
    const { supervisor, said, passes } = setup();
    supervisor.note(head(100n));
    await passes(31);
    expect(said.filter((each) => each === "EXTEND")).toHaveLength(2);
    expect(said.join()).not.toContain("READY");
    supervisor.note(scanned(100n));
    expect(said.at(-1)).toBe("READY head 100");
    await passes(31);
    expect(said.filter((each) => each === "WATCHDOG")).toHaveLength(2);
    expect(said).toContain("head 100, 1 open, 0 in flight, 0 OGPU paid in 24 h, 0 held");
    expect(said.filter((each) => each.startsWith("READY"))).toHaveLength(1);
  });

  it("frames a reload, tells a refusal, and says nothing of reloads before it was READY", () => {
    const { supervisor, said } = setup();
    supervisor.note({ type: "reload", stage: "began" });
    expect(said).toEqual([]);
    supervisor.note(head(1n));
    supervisor.note(scanned(1n));
    supervisor.note({ type: "reload", stage: "began" });
    supervisor.note({ type: "reload", stage: "ended", problems: "x" });
    expect(said.slice(1)).toEqual(["RELOADING 17", "READY the policies on disk are refused; the ones before stay"]);
    supervisor.stop();
    expect(said.at(-1)).toBe("STOPPING");
  });

  it("gives no beat while a look at a task hangs, or the scanner owes a sign of life", async () => {
    let hanging: number | undefined;
    const { supervisor, said, troubles, passes } = setup(() => hanging);
    supervisor.note(head(1n));
    supervisor.note(scanned(1n));
    hanging = 0;
    await passes(616);
    expect(troubles).toEqual([expect.stringMatching(/^a look at a task hangs for 6\d\ds$/)]);
    const beats = said.filter((each) => each === "WATCHDOG").length;
    await passes(60);
    expect(said.filter((each) => each === "WATCHDOG")).toHaveLength(beats);
    hanging = undefined;
    await passes(16);
    expect(troubles.at(-1)).toBe("moves");
    supervisor.note(head(2n));
    await passes(90);
    expect(troubles.at(-1)).toMatch(/^the scanner stands at block 1/);
  });

  it("tells probes of a stall after its patience, and that it is overdue after the patience once more", async () => {
    const { supervisor, passes } = setup();
    const told = () => [supervisor.stalled(), supervisor.overdue()];
    supervisor.note(head(1n));
    supervisor.note(scanned(1n));
    supervisor.note(head(2n));
    await passes(60);
    expect(told()).toEqual([undefined, undefined]);
    await passes(1);
    expect(told()).toEqual(["the scanner stands at block 1 for 61s although the chain goes on", undefined]);
    await passes(60);
    const late = "the scanner stands at block 1 for 121s although the chain goes on";
    expect(told()).toEqual([late, late]);
    supervisor.note(scanned(2n));
    expect(told()).toEqual([undefined, undefined]);
  });

  it("tells them the same of a look that hangs, and nothing any more when the daemon stops", async () => {
    const { supervisor, passes } = setup(() => 0);
    const told = () => [supervisor.stalled(), supervisor.overdue()].map((reason) => reason !== undefined);
    await passes(600);
    expect(told()).toEqual([false, false]);
    await passes(1);
    expect(told()).toEqual([true, false]);
    await passes(60);
    expect(told()).toEqual([true, true]);
    supervisor.stop();
    expect(told()).toEqual([false, false]);
  });
});
