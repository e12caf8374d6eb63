function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(substitution, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}

/**
 * A hint for a name that is not known: the nearest known one, or else all of them.
 *
 * @example didYouMean("jsn", ["json", "text"]) // "did you mean json?"
 */
export function didYouMean(name: string, known: readonly string[]): string {
  const near = known
    .map((candidate) => ({ candidate, away: distance(name.slice(0, 64).toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ away }) => away <= 2 && away < name.length)
    .sort((a, b) => a.away - b.away)[0];
  return near ? `did you mean ${near.candidate}?` : `known: ${known.join(", ")}`;
}
