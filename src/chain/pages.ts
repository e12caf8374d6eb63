import { zeroAddress } from "../protocol/brand.ts";

/** Addresses a page of a contract's list holds at most. */
const pageSize = 256;

/** A stretch of a contract's list, and the index to go on from. */
export type Pages<T> = { readonly found: readonly T[]; readonly next: number };

/**
 * Reads a list of a contract page by page. Some versions revert past the end, so no page reaches beyond `count`;
 * zero addresses are left out.
 *
 * Stops at a page that is missing or short, as a node that lags behind the one that gave `count` answers: `next` is then
 * where the next reader must go on, so that what was not read is not taken for read.
 */
export async function readPages<T extends string>(
  from: number,
  count: number,
  page: (lower: bigint, upper: bigint) => Promise<readonly string[] | undefined>,
): Promise<Pages<T>> {
  const found: T[] = [];
  let next = from;
  while (next < count) {
    const upper = Math.min(count, next + pageSize);
    const addresses = (await page(BigInt(next), BigInt(upper))) ?? [];
    for (const address of addresses) {
      const lowerCase = address.toLowerCase();
      if (lowerCase !== zeroAddress) found.push(lowerCase as T);
    }
    if (addresses.length < upper - next) return { found, next: next + addresses.length };
    next = upper;
  }
  return { found, next };
}
