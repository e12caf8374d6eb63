import type { HttpRpc } from "./jsonRpc.ts";
import { lacksBlock } from "./newestBlock.ts";

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

/** An endpoint may hang behind another one by so many blocks for ever, and has an opinion all the same. */
export const mostBehind = 32n;

/** Both are asked of a lower block where one of them does not have this one. */
export const orBelow =
  <Asked, T>(ask: (asked: Asked, block: bigint) => Promise<TwoOpinions<T>>): typeof ask =>
  async (asked, block) => {
    const told = await ask(asked, block);
    const isBehind = told.some((each) => each.status === "rejected" && lacksBlock(each.reason));
    return isBehind && block > mostBehind ? ask(asked, block - mostBehind) : told;
  };
