import { RetryableError } from "../errors.ts";
import type { Cursor } from "../journal/journal.ts";

/** Two nodes that are well stand no further apart than this, in blocks. */
const mostBehind = 256n;

/**
 * Far below what the scanner has read a head was so long ago: a node that takes in no blocks any more answers alone, and what has been
 * paid, cancelled or answered since it does not know.
 * @throws RetryableError `NODE_BEHIND` where nothing may rest on that head.
 */
export function requireRecent(head: bigint, scanned: Cursor | undefined): void {
  if (scanned !== undefined && scanned.number - head > mostBehind) throw belowScanned(head, scanned);
}

/**
 * Why nothing is decided by a block; `undefined`: it may be. A daemon that has just begun knows of no head but that of whichever node
 * answers; below what was read before its end somebody may have paid since.
 */
export function olderThanRead(block: bigint, scanned: Cursor | undefined): RetryableError | undefined {
  return scanned !== undefined && block < scanned.number ? belowScanned(block, scanned) : undefined;
}

const belowScanned = (block: bigint, { number }: Cursor): RetryableError =>
  new RetryableError(
    `the endpoint that answers has hung behind: block ${block} is ${number - block} blocks behind what was read before`,
    {
      code: "NODE_BEHIND",
      remedy: "nothing is decided by that, and it is asked again; if it stays, look at the endpoints in rpc.http",
    },
  );
