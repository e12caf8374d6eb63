import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { createPayload } from "../../../src/payload/createPayload.ts";
import { bodies } from "./hostile/bodies.ts";
import { compression } from "./hostile/compression.ts";
import { contents } from "./hostile/contents.ts";
import { hosts } from "./hostile/hosts.ts";
import { redirects } from "./hostile/redirects.ts";
import { type HostileRow, longLimits, type RowLimits, shortLimits } from "./hostile/row.ts";
import { time } from "./hostile/time.ts";
import { wire } from "./hostile/wire.ts";
import { createArena, optionsFor } from "./support/arena.ts";

type Theme = {
  readonly rows: readonly HostileRow[];
  readonly limits: RowLimits /** By when it has ended. */;
  readonly endMs: number;
};

const long = (rows: readonly HostileRow[]): Theme => ({ rows, limits: longLimits, endMs: longLimits.timeoutMs / 2 });

/** `time` may end late on a busy machine, but it ends. */
const table: Readonly<Record<string, Theme>> = {
  compression: long(compression),
  time: { rows: time, limits: shortLimits, endMs: shortLimits.timeoutMs + 5_000 },
  redirects: long(redirects),
  hosts: long(hosts),
  contents: long(contents),
  bodies: long(bodies),
  wire: long(wire),
};

/** The reader of a row, for as long as its test runs, and what to read. */
async function prepare([, , arrange]: HostileRow, limits: RowLimits) {
  const arena = createArena();
  const arranged = await arrange(arena);
  const { data, options } = typeof arranged === "string" ? { data: arranged, options: {} } : arranged;
  const payload = createPayload({ ...optionsFor(arena), firstByteTimeout: limits.firstByteTimeout, ...options });
  return () => payload.fetch(data, limits);
}

describe.each(Object.entries(table))("%s", (name, { rows, limits, endMs }) => {
  // What does nothing but wait may wait together.
  test.for(rows)("%s: %s", { concurrent: name === "time" }, async (row, { expect }) => {
    const fetch = await prepare(row, limits);
    const before = performance.now();
    const output = await fetch();
    const took = performance.now() - before;
    expect(`${output.error}${output.transient ? " (transient)" : ""}`).toBe(row[1]);
    expect({ valid: output.valid, json: output.json }).toEqual({ valid: false, json: null });
    expect(output.error).not.toMatch(/secret|example|127\.0/);
    expect(took).toBeLessThan(endMs);
  });
});

test("all of them together, four times over, take little memory", async () => {
  const fetches = [];
  for (const { rows, limits } of Object.values(table)) {
    for (const row of rows) fetches.push(await prepare(row, limits));
  }
  const collectGarbage = exposeGc();
  collectGarbage();
  const { rss } = process.memoryUsage();
  let peak = rss;
  const sampler = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 5);
  const outputs = await Promise.all([...fetches, ...fetches, ...fetches, ...fetches].map((fetch) => fetch()));
  clearInterval(sampler);
  expect(outputs.every(({ valid, error }) => !valid && error !== "")).toBe(true);
  expect((peak - rss) / 2 ** 20).toBeLessThan(256);
});

function exposeGc(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc");
}
