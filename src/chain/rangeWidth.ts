/** How many blocks one `eth_getLogs` asks for: found by trying, since every provider has limits of its own. */
type RangeWidth = {
  readonly current: () => number;
  readonly succeeded: () => void;
  /**
   * Halves the width. Answers whether a narrower try is left.
   * @param asked Blocks that were asked for: the width, or less.
   */
  readonly failed: (asked: number) => boolean;
};

/** @param max Blocks. The first try; the width never grows beyond it. */
export function createRangeWidth(max: number): RangeWidth {
  let width = max;
  return {
    current: () => width,
    succeeded: () => {
      width = Math.min(max, width + Math.max(1, width >> 2));
    },
    failed: (asked) => {
      const tried = Math.min(width, asked);
      width = Math.max(1, tried >> 1);
      return tried > 1;
    },
  };
}

/** The shapes in which providers say "too much": results, blocks, bytes, time. */
const tooMuch = [
  "more than",
  "too many",
  "too large",
  "too big",
  "limit exceeded",
  "exceeds the",
  "exceed maximum",
  "exceeded max",
  "block range",
  "range is too",
  "range limit",
  "is limited to",
  "max range",
  "response size",
  "query timeout",
  "timed out",
  "timeout",
  "try with this block range",
  "no answer within",
  "was cut off",
  "http 413",
];

/** Whether an answer to `eth_getLogs` means that a narrower range may succeed. */
export const asksForLess = (message: string): boolean => {
  const text = message.toLowerCase();
  return tooMuch.some((shape) => text.includes(shape));
};
