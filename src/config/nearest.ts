/**
 * The known name that was probably meant, upper and lower case alike; `undefined` where none is near.
 *
 * @param most Letters that may be too many, missing or others. @default a quarter of the name's, at least 2
 * @example nearest("jsn", ["json", "text"]) // "json"
 */
export function nearest(
  name: string,
  known: readonly string[],
  most = Math.max(2, Math.floor(name.length / 4)),
): string | undefined {
  const wanted = name.toLowerCase();
  return (
    known
      // However long a name is that somebody wrote, it is compared with those of about its length alone.
      .filter((candidate) => Math.abs(candidate.length - name.length) <= most)
      .map((candidate) => ({ candidate, away: editDistance(wanted, candidate.toLowerCase()) }))
      .filter(({ away }) => away <= most)
      .sort((a, b) => a.away - b.away)[0]?.candidate
  );
}

/** Levenshtein's distance: insertions, deletions and substitutions count one each. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      next.push(Math.min((row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1, (row[j] ?? 0) + (letter === other ? 0 : 1)));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
