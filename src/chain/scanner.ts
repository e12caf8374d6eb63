import { concatMap, defer, EMPTY, expand, type Observable } from "rxjs";
import type { Cursor } from "../journal/journal.ts";
import type { ChainEvent } from "../protocol/events.ts";
import type { ChainPort, Head } from "./chainPort.ts";

/** Every event of a range of blocks that ends at the cursor; the intake stores both together. */
export type ScannedRange = {
  readonly events: readonly ChainEvent[];
  readonly cursor: Cursor;
  /** Set where a reorg had made the checkpoint void: the block below this range. */
  readonly rewindTo: bigint | undefined;
};

export type ScannerOptions = {
  /** Blocks that one `eth_getLogs` asks for at most. */
  readonly maxBlockRange: number;
  /** Blocks that the scanner goes back when the block at its checkpoint has another hash. */
  readonly rewind: number;
};

/**
 * Reads the chain from the checkpoint to a head, range by range: completeness, whatever the socket lost.
 *
 * A block that the node does not have is an error, so that the checkpoint never passes what was not read; whoever
 * subscribes tries again from the checkpoint.
 */
export function scanTo$(
  chain: Pick<ChainPort, "block" | "events">,
  checkpoint: Cursor,
  head: Head,
  { maxBlockRange, rewind }: ScannerOptions,
): Observable<ScannedRange> {
  const readAfter = (block: bigint, rewindTo?: bigint): Observable<ScannedRange> =>
    defer(async () => {
      const furthest = block + BigInt(maxBlockRange);
      const { events, last } = await chain.events(block + 1n, furthest < head.number ? furthest : head.number);
      return { events, cursor: { number: last.number, hash: last.hash }, rewindTo };
    });
  const fromCheckpoint = async (): Promise<Observable<ScannedRange>> => {
    if (checkpoint.number > head.number) return EMPTY;
    const block = await chain.block(checkpoint.number);
    if (block === undefined) return EMPTY;
    if (block.hash !== checkpoint.hash) {
      const back = checkpoint.number > BigInt(rewind) ? checkpoint.number - BigInt(rewind) : 0n;
      return readAfter(back, back);
    }
    return checkpoint.number < head.number ? readAfter(checkpoint.number) : EMPTY;
  };
  return defer(fromCheckpoint).pipe(
    concatMap((first$) => first$),
    expand(({ cursor: { number } }) => (number < head.number ? readAfter(number) : EMPTY), 1),
  );
}
