import { zeroAddress } from "../protocol/brand.ts";
import { type Read, readAll } from "./contractReads.ts";
import type { HttpRpc } from "./jsonRpc.ts";

/** Addresses a page of a contract's list holds at most. */
export const pageSize = 256;
/** Pages that are asked for in one request. */
const pagesAtOnce = 8;

/** A stretch of a contract's list. */
export type Stretch<T> = {
  readonly found: readonly T[];
  /** The index to go on from. */
  readonly next: number;
  /** Whether there is more to read now; a node that lags behind the one that counted has none. */
  readonly more: boolean;
};

/** A page's bounds: the first index, and the one after the last. */
export type PageBounds = readonly [lower: bigint, upper: bigint];

/**
 * Reads a stretch of a contract's list, some pages in one request. Some versions revert past the end, so no page reaches
 * beyond `count`; zero addresses are left out.
 *
 * Stops at a page that is missing or short, as a node that lags behind the one that gave `count` answers: `next` is then
 * where the next reader must go on, so that what was not read is not taken for read.
 */
export async function readStretch<T extends string>(
  from: number,
  count: number,
  ask: (pages: readonly PageBounds[]) => Promise<readonly (readonly string[] | undefined)[]>,
): Promise<Stretch<T>> {
  const end = Math.min(count, from + pagesAtOnce * pageSize);
  const pages: PageBounds[] = [];
  for (let lower = from; lower < end; lower += pageSize)
    pages.push([BigInt(lower), BigInt(Math.min(end, lower + pageSize))]);
  const answers = pages.length === 0 ? [] : await ask(pages);
  const found: T[] = [];
  let next = from;
  for (const [index, [lower, upper]] of pages.entries()) {
    const addresses = answers[index] ?? [];
    found.push(...addressesIn<T>(addresses));
    next += addresses.length;
    if (addresses.length < upper - lower) return { found, next, more: false };
  }
  return { found, next, more: next < count };
}

/** The same, where a page is one read. */
export const stretchBy = <T extends string>(
  rpc: HttpRpc,
  from: number,
  count: number,
  readOf: (page: PageBounds) => Read<readonly string[] | undefined>,
): Promise<Stretch<T>> => readStretch(from, count, (pages) => readAll(rpc, pages.map(readOf)));

/** In lower case, without zero addresses. */
export const addressesIn = <T extends string>(addresses: readonly string[]): readonly T[] =>
  addresses.map((address) => address.toLowerCase() as T).filter((address) => address !== zeroAddress);
