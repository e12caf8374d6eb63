import { RetryableError } from "../errors.ts";
import type { Cursor } from "../journal/journal.ts";

/** Two nodes that are well stand no further apart than this, in blocks. */
const mostBehind = 256n;

/**
 * Why nothing may rest on what a block shows; `undefined`: something may. Far below what the scanner has read it was so long ago: a
 * node that takes in no blocks any more answers alone, and what has been paid, cancelled or answered since it does not know.
 */
export function farBehind(block: bigint, scanned: Cursor | undefined): RetryableError | undefined {
  if (scanned === undefined || scanned.number - block <= mostBehind) return undefined;
  return behind(`block ${block} is ${scanned.number - block} blocks behind what was read before`);
}

/** @throws RetryableError as `farBehind` says. */
export function requireRecent(block: bigint, scanned: Cursor | undefined): void {
  const error = farBehind(block, scanned);
  if (error) throw error;
}

export const behind = (what: string): RetryableError =>
  new RetryableError(`the endpoint that answers has hung behind: ${what}`, {
    code: "NODE_BEHIND",
    remedy: "nothing is decided by that, and it is asked again; if it stays, look at the endpoints in rpc.http",
  });
