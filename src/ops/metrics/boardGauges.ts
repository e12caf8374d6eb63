import { ogpuNumber } from "../../protocol/amounts.ts";
import type { Board } from "../board/createBoard.ts";
import type { JournalReads } from "../board/journalReads.ts";
import type { Metrics } from "./createMetrics.ts";

/** Shows what the board knows, as it is at each reading. Ceilings on single providers are left out: they are many. */
export function boardGauges(metrics: Metrics, board: Board, reads: JournalReads, now: () => number): void {
  metrics.beforeReading(() => {
    const { open, stuck } = board.lane.view(now());
    for (const [state, count] of Object.entries(open)) metrics.set("confirmations_open", count, { state });
    metrics.set("confirmations_stuck", stuck);
    metrics.set("confirmations_unsigned", board.unsigned.view(now()).count);
    metrics.set("held_responses", reads.held().count);
    metrics.set("paused", reads.pause() === undefined ? 0 : 1);
    metrics.forget("cap_limit_ogpu");
    metrics.forget("cap_used_ogpu");
    for (const { name, scope, limit, used } of reads.standings()) {
      if (scope.includes("provider 0x")) continue;
      metrics.set("cap_limit_ogpu", ogpuNumber(limit), { cap: name });
      metrics.set("cap_used_ogpu", ogpuNumber(used), { cap: name });
    }
  });
}
