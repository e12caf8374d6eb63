import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { createHeapRoom, heapGrowth } from "../../../src/ops/heapRoom.ts";
import type { Report } from "../../../src/report.ts";

const progress = { type: "progress", block: 1n, head: 900n, blocksPerSecond: 1, eventsPerSecond: 1, eta: 900 } as const;
const scanned: Report = { type: "scanned", block: 900n };

it("gives the heap room while a backlog is read, once, and takes it back when the scanner has caught up", () => {
  const flags: string[] = [];
  const note = createHeapRoom((flag) => void flags.push(flag));
  for (const report of [scanned, progress, progress, scanned, scanned, progress]) note(report);
  expect(flags).toEqual([100, 60, 100].map((percent) => `--heap-growing-percent=${percent}`));
});

it.each(["src/main.ts", "Dockerfile"])("goes back to what %s gives Node at its start", (file) => {
  const text = readFileSync(new URL(`../../../${file}`, import.meta.url), "utf8");
  expect(/--heap-growing-percent=(\d+)/.exec(text)?.[1]).toBe(String(heapGrowth.usual));
});
