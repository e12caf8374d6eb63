import type { BlockRef } from "../journal/journal.ts";

/**
 * Which blocks are still to be known, so that a reorg of any depth finds one that both branches share: all that may be taken back,
 * and of the final ones ever fewer the deeper they lie, a few dozen in all. Of each stretch as long as the highest power of
 * two in its depth the oldest stays, so that the first block that was ever read does.
 *
 * @param blocks Newest first.
 */
export function thinOut(
  blocks: readonly BlockRef[],
  final: bigint,
): { readonly known: readonly BlockRef[]; readonly forgotten: readonly bigint[] } {
  const isKept = ({ number }: BlockRef, at: number): boolean => {
    const older = blocks[at + 1];
    if (number >= final || older === undefined) return true;
    const stretch = 1n << BigInt((final - number).toString(2).length - 1);
    return older.number / stretch !== number / stretch;
  };
  const known = blocks.filter(isKept);
  const kept = new Set(known);
  return { known, forgotten: blocks.filter((block) => !kept.has(block)).map(({ number }) => number) };
}
