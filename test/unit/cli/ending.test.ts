import { beforeEach, describe, expect, it } from "vitest";
import { createEnding, type Ending } from "../../../src/cli/ending.ts";
import { ConfigError, FatalError, RetryableError } from "../../../src/errors.ts";
import { createLogger } from "../../../src/ops/logger.ts";
import { createShutdown } from "../../../src/ops/shutdown.ts";

const lost = new FatalError("the disk did not take it", { code: "JOURNAL_UNSYNCED" });
const unreachable = new RetryableError("nobody answers", { code: "UNREACHABLE" });

let ending: Ending;
let lines: string[];
let told: unknown[];
let delivered: unknown[];
let deliver: () => void;

beforeEach(() => {
  lines = [];
  told = [];
  delivered = [];
  const logger = createLogger({
    level: "trace",
    format: "json",
    isTTY: false,
    destination: { write: (line) => lines.push(line) },
  });
  const shutdown = createShutdown({ logger, graceMs: 30_000 });
  const { promise: taken, resolve } = Promise.withResolvers<void>();
  deliver = resolve;
  shutdown.add("alerts", async () => {
    await taken;
    delivered.push(...told);
  });
  ending = createEnding({ shutdown, logger, onBroken: (error) => told.push(error) });
});

const fatalLines = () => lines.map((line) => JSON.parse(line)).filter(({ level }) => level === "fatal");

describe("the daemon's end", () => {
  it("waits until its alert is delivered, where what broke off is reported a second time", async () => {
    ending.breakOff(lost, "the journal is lost to this daemon");
    ending.breakOff(lost, "the pipe broke");
    setImmediate(deliver);
    expect(await ending.ended).toBe(70);
    expect(delivered).toEqual([lost]);
    expect(fatalLines().map(({ msg }) => msg)).toEqual(["the journal is lost to this daemon", "the pipe broke"]);
  });

  it("goes on in order where something breaks off after a signal, and exits with what that means", async () => {
    ending.stop("SIGTERM");
    ending.breakOff(lost, "the journal is lost to this daemon");
    setImmediate(deliver);
    expect(await ending.ended).toBe(70);
    expect(lines.at(-1)).toContain('"outcome":"clean"');
    expect(fatalLines()).toHaveLength(1);
  });

  it.each([
    [75, "passing trouble", [unreachable]],
    [70, "a defect", [new Error("a defect")]],
    [70, "a lost journal after passing trouble", [unreachable, lost]],
    [70, "passing trouble after a lost journal", [lost, unreachable]],
    [78, "a lost journal after what a person must correct", [new ConfigError("wrong", { code: "KEY_MISSING" }), lost]],
  ])("has the exit code %d for %s", async (code, _what, errors) => {
    for (const error of errors) ending.breakOff(error, "the pipe broke");
    deliver();
    expect(await ending.ended).toBe(code);
  });

  it("is a success after one signal", async () => {
    ending.stop("SIGTERM");
    deliver();
    expect(await ending.ended).toBe(0);
  });

  it("comes at once after a second signal, whatever is not delivered by then", async () => {
    ending.stop("SIGINT");
    ending.stop("SIGINT");
    expect(await ending.ended).toBe(1);
    expect(lines.at(-1)).toContain('"outcome":"forced"');
  });

  it("goes on in order after the first signal to a daemon that stops for a reason of its own", async () => {
    ending.breakOff(lost, "the pipe broke");
    ending.stop("SIGTERM");
    setImmediate(deliver);
    expect(await ending.ended).toBe(70);
    expect(delivered).toEqual([lost]);
    expect(lines.at(-1)).toContain('"outcome":"clean"');
  });

  it("comes at once after the second signal to a daemon that stops for a reason of its own", async () => {
    ending.breakOff(lost, "the pipe broke");
    ending.stop("SIGTERM");
    ending.stop("SIGTERM");
    expect(await ending.ended).toBe(70);
    expect(delivered).toEqual([]);
    expect(lines.at(-1)).toContain('"outcome":"forced"');
  });
});
