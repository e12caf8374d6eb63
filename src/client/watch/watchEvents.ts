import { createScanner, type ScanStep } from "../../chain/scanner.ts";
import type { ChainEvent } from "../../protocol/events.ts";
import type { ClientContext } from "../context.ts";
import { InputError } from "../errors.ts";
import { rewind, type Start, startAt } from "./startAt.ts";
import { createWake } from "./wake.ts";

export type WatchOptions = {
  /**
   * The first block to tell of, so that a program that starts again misses nothing.
   * @default the next one; and, of those that can still be taken back, what a reorg puts in their place
   */
  readonly fromBlock?: bigint;
  /**
   * Tells of an event only when its block can no longer be taken back (see the client's `finality`); otherwise at once, and
   * again from another block where a reorg moves it. @default false
   */
  readonly final?: boolean;
  /** Ends the iteration. */
  readonly signal?: AbortSignal;
};

/** Milliseconds between two tries: the first, and the longest. */
const [firstPause, longestPause] = [250, 30_000];

/**
 * Every event of the network from a block on, in chain order. It goes from block to block, whatever the socket lost and
 * however long an endpoint was away: heads only wake it. It ends when its signal says so, and never by an error of an
 * endpoint.
 */
export function watchEvents(context: ClientContext, options: WatchOptions): AsyncGenerator<ChainEvent, void> {
  const { fromBlock } = options;
  // Any other error is taken for an endpoint's, and waited out.
  if (fromBlock !== undefined && (typeof fromBlock !== "bigint" || fromBlock < 0n)) {
    throw new InputError(`${fromBlock} is no block`, { code: "RANGE_INVALID", remedy: "give 0n or more" });
  }
  // Now, not when the first event is asked for: what happens in between is told of, too.
  const start = startAt(context, fromBlock).catch(() => undefined);
  return follow(context, options, start);
}

async function* follow(
  context: ClientContext,
  { fromBlock, final = false, signal }: WatchOptions,
  start: Promise<Start | undefined>,
): AsyncGenerator<ChainEvent, void> {
  const { chain, clock } = context;
  const scanner = createScanner(chain, {
    maxBlockRange: 2_000,
    rewind,
    onDeepReorg: () => undefined,
    onHeadBehind: () => undefined,
  });
  const wake = createWake(chain.head$, clock, signal);
  let at = await wake.answer(start);
  let held: readonly ChainEvent[] = [];
  let pause = firstPause;
  try {
    while (!signal?.aborted) {
      let step: ScanStep | undefined;
      try {
        at ??= await wake.answer(startAt(context, fromBlock));
        step = at && (await wake.answer(scanner.step(at)));
        if (at === undefined || signal?.aborted) break;
        pause = firstPause;
      } catch {
        await wake.after(pause);
        pause = Math.min(longestPause, pause * 2);
        continue;
      }
      if (step === undefined) {
        await wake.next();
        continue;
      }
      const { cursor, known, rewindTo } = step;
      const { first } = at;
      const events = step.events.filter(({ at: { blockNumber } }) => blockNumber >= first);
      at = { cursor, known, first };
      if (!final) {
        yield* events;
        continue;
      }
      const kept = rewindTo === undefined ? held : held.filter(({ at: { blockNumber } }) => blockNumber <= rewindTo);
      const all = [...kept, ...events];
      const ripe = ({ at: { blockNumber } }: ChainEvent) => blockNumber <= step.final;
      held = all.filter((event) => !ripe(event));
      yield* all.filter(ripe);
    }
  } finally {
    wake.close();
  }
}
