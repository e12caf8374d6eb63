/** How a figure moves with time: the line through its points, and how sure its slope is. */
export type Trend = {
  readonly perHour: number;
  /** Half of the interval that the slope lies in with 95 % probability, were the points' errors independent. */
  readonly uncertainty: number;
  readonly mean: number;
  readonly min: number;
  readonly max: number;
};

export type Point = { readonly seconds: number; readonly value: number };

/** Ordinary least squares. @throws RangeError with fewer than three points. */
export function trendOf(points: readonly Point[]): Trend {
  const count = points.length;
  if (count < 3) throw new RangeError(`${count} points make no trend`);
  const average = (values: readonly number[]) => values.reduce((sum, each) => sum + each, 0) / values.length;
  const [meanX, meanY] = [average(points.map(({ seconds }) => seconds)), average(points.map(({ value }) => value))];
  const spread = points.reduce((sum, { seconds }) => sum + (seconds - meanX) ** 2, 0);
  const slope = points.reduce((sum, { seconds, value }) => sum + (seconds - meanX) * (value - meanY), 0) / spread;
  const residual = points.reduce(
    (sum, { seconds, value }) => sum + (value - meanY - slope * (seconds - meanX)) ** 2,
    0,
  );
  const error = Math.sqrt(residual / (count - 2) / spread);
  const values = points.map(({ value }) => value);
  return {
    perHour: slope * 3_600,
    uncertainty: 1.96 * error * 3_600,
    mean: meanY,
    min: Math.min(...values),
    max: Math.max(...values),
  };
}

/**
 * Whether a figure stays where it is. `unknown` where the run was too short to tell.
 * @param tolerance Growth an hour that is nobody's concern.
 */
export function isFlat({ perHour, uncertainty }: Trend, tolerance: number): "flat" | "grows" | "unknown" {
  if (perHour - uncertainty > tolerance) return "grows";
  return perHour + uncertainty <= tolerance ? "flat" : "unknown";
}
