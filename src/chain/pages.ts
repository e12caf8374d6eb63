import { zeroAddress } from "../protocol/brand.ts";

/** Addresses a page of a contract's list holds at most. */
const pageSize = 256;

/**
 * Reads a list of a contract page by page. Some versions revert past the end, so no page reaches beyond `count`;
 * zero addresses are left out.
 */
export async function readPages<T extends string>(
  from: number,
  count: number,
  page: (lower: bigint, upper: bigint) => Promise<readonly string[] | undefined>,
): Promise<readonly T[]> {
  const found: T[] = [];
  for (let lower = from; lower < count; lower += pageSize) {
    const addresses = await page(BigInt(lower), BigInt(Math.min(count, lower + pageSize)));
    for (const address of addresses ?? []) {
      const lowerCase = address.toLowerCase();
      if (lowerCase !== zeroAddress) found.push(lowerCase as T);
    }
  }
  return found;
}
