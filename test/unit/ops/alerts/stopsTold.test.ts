import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, it } from "vitest";
import { ConfigError, FatalError } from "../../../../src/errors.ts";
import { stopsTold } from "../../../../src/ops/alerts/stopsTold.ts";
import { temporaryFolder } from "../../../support/temporaryFolder.ts";

let directory: string;
let path: string;
let now: number;
beforeEach(() => {
  directory = temporaryFolder("told-");
  path = join(directory, "data", "journal.sqlite.told");
  now = 1_000_000;
});

const minute = 60_000;
const gone = (block: number) =>
  new FatalError(`block ${block} (0xab${block}) is gone`, { code: "JOURNAL_INCONSISTENT" });

/** One life of the daemon: whether its end is told. */
function stops(error: unknown, { after = 0, taken = true, at = path as string | null } = {}): boolean {
  const told = stopsTold(at ?? undefined, { now: () => now, repeatAfterMs: 240 * minute });
  now += after;
  const isNews = told.isNews(error);
  if (taken) told.keep();
  return isNews;
}

it("has what breaks at each start told of once, and again after a while", () => {
  const heard: number[] = [];
  for (let start = 0; start < 500; start++) {
    now = 1_000_000 + start * minute;
    if (stops(gone(start))) heard.push(start);
  }
  expect(heard).toEqual([0, 240, 480]);
});

it("has another reason told of at once, and the same after a long life, or by a clock that was ahead", () => {
  expect([stops(gone(1)), stops(new ConfigError("no", { code: "JOURNAL_INCONSISTENT" })), stops(gone(2))]).toEqual([
    true,
    true,
    true,
  ]);
  expect([stops(gone(3), { after: 9 * minute }), stops(gone(4), { after: 10 * minute })]).toEqual([false, true]);
  now -= 60 * minute;
  expect(stops(gone(5))).toBe(true);
});

it("has it told of at the next start where nobody took it, or it cannot be kept", () => {
  expect([stops("x", { taken: false }), stops("x"), stops("x")]).toEqual([true, true, false]);
  expect([null, "/dev/null/x"].flatMap((at) => [stops("x", { at }), stops("x", { at })])).toEqual(Array(4).fill(true));
  for (const text of ["", "null", "7", "{"]) {
    writeFileSync(path, text);
    expect([text, stops("x"), stops("x")]).toEqual([text, true, false]);
  }
});

it("keeps no word of what broke", () => {
  stops(new Error("s3cr3t"));
  expect(readFileSync(path, "utf8")).not.toContain("s3cr3t");
});
