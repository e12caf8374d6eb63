import { expect, it } from "vitest";
import type { ScanStep } from "../../../src/chain/scanner.ts";
import { createProgress } from "../../../src/chain/scanProgress.ts";
import type { ChainEvent } from "../../../src/protocol/events.ts";
import type { Report } from "../../../src/report.ts";
import { headAt } from "../../support/fakeChain.ts";
import { createVirtualTime } from "../../support/virtualTime.ts";

const open = (start: bigint) => {
  const { clock, pass } = createVirtualTime();
  const told: Report[] = [];
  const progress = createProgress(start, clock, (report) => void told.push(report));
  const step = (block: bigint, head: bigint, events: number) =>
    progress({
      cursor: headAt(block),
      head,
      events: Array.from({ length: events }) as ChainEvent[],
    } as unknown as ScanStep);
  return { pass, step, told };
};

it("tells once a second how far a scan is behind, how fast it catches up, and when it will have", async () => {
  const { pass, step, told } = open(1_000n);
  step(1_100n, 2_000n, 50);
  await pass(500);
  step(1_200n, 2_000n, 50);
  await pass(1_500);
  step(1_400n, 2_000n, 100);
  expect(told.map((each) => each.type === "progress" && [each.block, each.head])).toEqual([
    [1_100n, 2_000n],
    [1_400n, 2_000n],
  ]);
  // 400 blocks and 200 events in two seconds; 600 blocks are left.
  expect(told.at(-1)).toMatchObject({ blocksPerSecond: 200, eventsPerSecond: 100, eta: 3 });
});

it("does not tell of a backlog that is everyday life", () => {
  const { step, told } = open(1_000n);
  step(1_050n, 1_099n, 5);
  expect(told).toEqual([]);
  step(1_050n, 1_100n, 5);
  expect(told).toHaveLength(1);
});
