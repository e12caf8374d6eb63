import { VirtualTimeScheduler } from "rxjs";
import { describe, expect, it } from "vitest";
import { createLogger } from "../../../src/ops/logger.ts";
import { createShutdown } from "../../../src/ops/shutdown.ts";

const setup = () => {
  const lines: string[] = [];
  const scheduler = new VirtualTimeScheduler();
  const logger = createLogger({
    level: "trace",
    format: "json",
    isTTY: false,
    destination: { write: (line) => lines.push(line) },
  });
  const shutdown = createShutdown({ logger, graceMs: 30_000, clock: { now: () => scheduler.frame, scheduler } });
  return { shutdown, scheduler, lines };
};

const never = () => new Promise<void>(() => {});
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe("createShutdown", () => {
  it("runs its steps in the order in which they were added, one after the other", async () => {
    const { shutdown } = setup();
    const done: string[] = [];
    shutdown.add("intake", async () => {
      await settle();
      done.push("intake");
    });
    shutdown.add("sink", () => void done.push("sink"));
    expect(shutdown.started()).toBe(false);
    await expect(shutdown.run("SIGTERM")).resolves.toBe("clean");
    expect(shutdown.started()).toBe(true);
    expect(done).toEqual(["intake", "sink"]);
  });

  it("logs a step that fails, and runs the next ones", async () => {
    const { shutdown, lines } = setup();
    const done: string[] = [];
    shutdown.add("a", () => Promise.reject(new Error("no")));
    shutdown.add("b", () => {
      throw new Error("nor this");
    });
    shutdown.add("c", () => void done.push("c"));
    await expect(shutdown.run("SIGTERM")).resolves.toBe("failed");
    expect(done).toEqual(["c"]);
    expect(lines.filter((line) => line.includes("shutdown step failed"))).toHaveLength(2);
  });

  it("ends when the grace runs out, names the step that stalled, and starts no other", async () => {
    const { shutdown, scheduler, lines } = setup();
    const done: string[] = [];
    const { promise, resolve: release } = Promise.withResolvers<void>();
    shutdown.add("stalled", () => promise);
    shutdown.add("after", () => void done.push("after"));
    const outcome = shutdown.run("SIGTERM");
    await settle();
    scheduler.flush();
    await expect(outcome).resolves.toBe("late");
    expect(scheduler.frame).toBe(30_000);
    expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({
      level: "warn",
      outcome: "late",
      step: "stalled",
      ms: 30_000,
    });
    release();
    await settle();
    expect(done).toEqual([]);
  });

  it("ends at once when it is asked a second time, and runs no step twice", async () => {
    const { shutdown } = setup();
    let runs = 0;
    shutdown.add("stalled", () => {
      runs += 1;
      return never();
    });
    const first = shutdown.run("SIGINT");
    const second = shutdown.run("SIGINT");
    await expect(Promise.all([first, second])).resolves.toEqual(["forced", "forced"]);
    expect(runs).toBe(1);
    await expect(shutdown.run("SIGINT")).resolves.toBe("forced");
  });
});
