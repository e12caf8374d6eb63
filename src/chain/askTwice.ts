import type { HttpRpc } from "./jsonRpc.ts";

/** What two endpoints say, or why they cannot tell. */
export type TwoOpinions<T> = readonly [PromiseSettledResult<T>, PromiseSettledResult<T>];

/**
 * Asks the same of two endpoints, side by side: neither answers in the other one's place, so that what they agree on is the word of
 * two. Where there is one alone, it is asked twice.
 *
 * @param apart The two, at this moment. @param readerOf Made once for each of them.
 */
export function askTwice<Args extends readonly unknown[], T>(
  apart: () => readonly [HttpRpc, HttpRpc],
  readerOf: (rpc: HttpRpc) => (...args: Args) => Promise<T>,
): (...args: Args) => Promise<TwoOpinions<T>> {
  const readers = new Map<HttpRpc, (...args: Args) => Promise<T>>();
  const kept = (rpc: HttpRpc) => {
    const reader = readers.get(rpc) ?? readerOf(rpc);
    readers.set(rpc, reader);
    return reader;
  };
  return (...args) => {
    const [one, other] = apart();
    return Promise.allSettled([kept(one)(...args), kept(other)(...args)]);
  };
}
