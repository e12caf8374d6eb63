import { RpcError } from "../chain/jsonRpc.ts";
import { BaseError, RetryableError } from "../errors.ts";
import type { Report } from "../report.ts";

/** What is known of the pipe's progress. Times are milliseconds of one clock. */
export type Vitals = {
  /** The head that an endpoint told of last, and when. */
  readonly head: bigint | undefined;
  readonly headAt: number | undefined;
  /** Its own time, since 1970. */
  readonly chainTime: number | undefined;
  /** The last block whose events are all in the journal. */
  readonly checkpoint: bigint | undefined;
  /** The checkpoint has reached a head since the start. */
  readonly caughtUp: boolean;
  /** Since when the scanner owes a sign of life: the first head that it has not answered yet. */
  readonly owedSince: number | undefined;
  /** Since when it is far behind the head and comes no further, for whatever reason. */
  readonly behindSince: number | undefined;
  /** Until then it waits for an endpoint that failed, and owes nothing. */
  readonly excusedUntil: number;
};

export const unborn: Vitals = {
  head: undefined,
  headAt: undefined,
  chainTime: undefined,
  checkpoint: undefined,
  caughtUp: false,
  owedSince: undefined,
  behindSince: undefined,
  excusedUntil: 0,
};

/** How far the scanner may be behind the head and count as caught up, blocks. */
export const maxLag = 10;
/** How long it may come no further while it is farther behind. */
const behindPatienceMs = 5 * 60_000;

/**
 * What a report says of the pipe's progress.
 *
 * A head is what the pipe is driven by: after one, the scanner owes a sign of life, which is a step stored in the journal,
 * a scan that ended, or the word of an endpoint that does not give what was asked. So without heads nothing is owed (an
 * outage of the endpoints is no stall, and a restart would not end it), while a journal that takes no writes, or work that
 * hangs, leaves the debt open.
 */
export function live(vitals: Vitals, report: Report, now: number): Vitals {
  switch (report.type) {
    case "head": {
      const isNews = report.number > (vitals.head ?? -1n) && report.number > (vitals.checkpoint ?? -1n);
      const owedSince = vitals.owedSince ?? (isNews ? Math.max(now, vitals.excusedUntil) : undefined);
      const behindSince = isFar(vitals.checkpoint, report.number) ? (vitals.behindSince ?? now) : undefined;
      const chainTime = Number(report.timestamp) * 1_000;
      return { ...vitals, head: report.number, headAt: now, chainTime, owedSince, behindSince };
    }
    case "intake":
      return report.via === "scanner" && report.block !== undefined ? arrived(vitals, report.block, now) : vitals;
    case "scanned":
      return { ...arrived(vitals, report.block, now), owedSince: undefined };
    case "retry":
      if (report.what !== "scanner" || !isEndpoints(report.error)) return vitals;
      return { ...vitals, owedSince: undefined, excusedUntil: now + report.inMs };
    default:
      return vitals;
  }
}

const arrived = (vitals: Vitals, checkpoint: bigint, now: number): Vitals => ({
  ...vitals,
  checkpoint,
  behindSince: !isFar(checkpoint, vitals.head)
    ? undefined
    : checkpoint > (vitals.checkpoint ?? -1n)
      ? now
      : (vitals.behindSince ?? now),
  caughtUp: vitals.caughtUp || (vitals.head !== undefined && checkpoint >= vitals.head),
  owedSince: vitals.head !== undefined && checkpoint >= vitals.head ? undefined : now,
});

const isFar = (checkpoint: bigint | undefined, head: bigint | undefined): boolean =>
  head !== undefined && (checkpoint === undefined || head - checkpoint > BigInt(maxLag));

/** The journal's server may come back, too; but it is no endpoint. */
const isJournals = (error: unknown): boolean => error instanceof BaseError && error.code.startsWith("JOURNAL_");

/** Whether an endpoint did not give what was asked. */
const isEndpoints = (error: unknown): boolean =>
  error instanceof RpcError || (error instanceof RetryableError && !isJournals(error));

/** @returns why the pipe stands still, or `undefined`. @param patienceMs How long a sign of life may take. */
export function whyStalled({ owedSince, checkpoint }: Vitals, now: number, patienceMs: number): string | undefined {
  if (owedSince === undefined || now - owedSince <= patienceMs) return undefined;
  const seconds = Math.round((now - owedSince) / 1_000);
  return `the scanner stands at block ${checkpoint ?? "none"} for ${seconds}s although the chain goes on`;
}

/**
 * @returns why events are not read, or `undefined`: the scanner is far behind and comes no further. That is no stall where
 * endpoints are to blame, and a restart would not end it; but a person must know.
 */
export function whyBehind({ behindSince, checkpoint, head }: Vitals, now: number): string | undefined {
  if (behindSince === undefined || head === undefined || now - behindSince <= behindPatienceMs) return undefined;
  const seconds = Math.round((now - behindSince) / 1_000);
  return checkpoint === undefined
    ? `the scanner has read no block for ${seconds}s; the head is ${head}`
    : `the scanner is ${head - checkpoint} blocks behind the head and stands at block ${checkpoint} for ${seconds}s`;
}
