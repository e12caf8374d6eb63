/** How a figure moves with time: the median of the slopes between any two of its points, and how sure that is. */
export type Trend = {
  readonly perHour: number;
  /** Between these the slope lies with 95 % probability, were the points' errors independent. */
  readonly atLeast: number;
  readonly atMost: number;
  readonly mean: number;
  readonly min: number;
  readonly max: number;
};

export type Point = { readonly seconds: number; readonly value: number };

/**
 * Theil and Sen's estimator with Sen's interval: a burst that comes and goes (sockets while a block is worked on) does not move
 * it, a figure that creeps does. @throws RangeError with fewer than three points.
 */
export function trendOf(points: readonly Point[]): Trend {
  const count = points.length;
  if (count < 3) throw new RangeError(`${count} points make no trend`);
  const slopes = new Float64Array((count * (count - 1)) / 2);
  let pairs = 0;
  for (const [index, { seconds, value }] of points.entries())
    for (const later of points.slice(index + 1)) slopes[pairs++] = (later.value - value) / (later.seconds - seconds);
  slopes.sort();
  const spread = 1.96 * Math.sqrt((count * (count - 1) * (2 * count + 5)) / 18);
  /** By its place among them, from 0 on. */
  const slopeAt = (place: number) => (slopes[Math.min(pairs - 1, Math.max(0, Math.round(place)))] ?? 0) * 3_600;
  const values = points.map(({ value }) => value);
  return {
    perHour: slopeAt((pairs - 1) / 2),
    atLeast: slopeAt((pairs - 1 - spread) / 2),
    atMost: slopeAt((pairs - 1 + spread) / 2),
    mean: values.reduce((sum, each) => sum + each, 0) / count,
    min: Math.min(...values),
    max: Math.max(...values),
  };
}

/**
 * Whether a figure stays where it is. `unknown` where the run was too short to tell.
 * @param tolerance Growth an hour that is nobody's concern.
 */
export function isFlat({ atLeast, atMost }: Trend, tolerance: number): "flat" | "grows" | "unknown" {
  if (atLeast > tolerance) return "grows";
  return atMost <= tolerance ? "flat" : "unknown";
}
