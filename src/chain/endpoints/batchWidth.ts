import type { Clock } from "../../clock.ts";

/** How many calls one request to an endpoint may hold: learnt from refusals, and forgotten after a while. */
type BatchWidth = {
  readonly current: () => number;
  /** @param size Calls in the batch that was refused. @returns whether that is news. */
  readonly refused: (why: "size" | "always", size: number) => boolean;
};

const forgottenAfterMs = 10 * 60_000;

/** @param widest From the configuration. */
export function createBatchWidth(widest: number, clock: Clock): BatchWidth {
  let width = widest;
  let learntAt = Number.NEGATIVE_INFINITY;
  let told = widest;
  const current = () => {
    // One odd answer must not slow the daemon down for months.
    if (width < widest && clock.now() - learntAt >= forgottenAfterMs) width = widest;
    return width;
  };
  return {
    current,
    refused: (why, size) => {
      width = Math.min(current(), why === "always" ? 1 : Math.max(1, Math.floor(size / 2)));
      learntAt = clock.now();
      const isNews = width !== told;
      told = width;
      return isNews;
    },
  };
}
