import { RetryableError } from "../errors.ts";
import type { BlockRef, Cursor } from "../journal/journal.ts";
import type { ChainEvent } from "../protocol/events.ts";
import type { ChainPort, Head } from "./chainPort.ts";
import { asksForLess, createRangeWidth } from "./rangeWidth.ts";
import { thinOut } from "./thinOut.ts";

/** One step of the scanner; the intake stores it whole, in one transaction. */
export type ScanStep = {
  readonly events: readonly ChainEvent[];
  /** The last block whose events are all read. */
  readonly cursor: Cursor;
  /** The blocks that this step read: by them a later reorg is found. */
  readonly blocks: readonly BlockRef[];
  /** What is known of the chain after this step, newest first. */
  readonly known: readonly BlockRef[];
  /** Blocks that were known, or were read by this step, and need not be known any more. */
  readonly forgotten: readonly bigint[];
  /** Set by a reorg: the newest block that both branches share. What came above it is void. */
  readonly rewindTo?: bigint;
  /** Blocks below it cannot be taken back any more. */
  readonly final: bigint;
  /** The head that this scan aims at. */
  readonly head: bigint;
};

type ScannerOptions = {
  /** Blocks that one `eth_getLogs` asks for at most. */
  readonly maxBlockRange: number;
  /** A reorg below all that is known: the scanner goes back so many blocks further. */
  readonly rewind: number;
  /** A reorg below finality, which should not be. */
  readonly onDeepReorg: (checkpoint: Cursor, to: bigint) => void;
  /** The node's head is behind the checkpoint: it lags, or lies. */
  readonly onHeadBehind: (checkpoint: Cursor, head: bigint) => void;
};

export type Scanner = {
  /**
   * The step after a checkpoint towards the node's head; `undefined` where there is nothing to read.
   * @param known The blocks at and below the checkpoint by which a reorg is found, newest first.
   */
  readonly step: (from: Pick<ScanStep, "cursor" | "known">) => Promise<ScanStep | undefined>;
};

/** Blocks above finality that one step reads, by hash. */
const blocksPerStep = 32;

/**
 * Reads the chain from the checkpoint towards the head: completeness, whatever the socket lost. Final blocks are read by
 * range, as wide as the node allows; the ones above by block hash. Each range and each block is checked to follow what was read
 * before it.
 *
 * A block that the node does not have is an error, so that the checkpoint never passes what was not read.
 */
export function createScanner(
  chain: Pick<ChainPort, "head" | "finalBlock" | "block" | "blocks" | "events" | "eventsOfBlocks">,
  { maxBlockRange, rewind, onDeepReorg, onHeadBehind }: ScannerOptions,
): Scanner {
  const width = createRangeWidth(maxBlockRange);

  type From = Pick<ScanStep, "cursor" | "known">;
  type Aim = Pick<ScanStep, "final" | "head">;

  const read = ({ known }: From, aim: Aim, blocks: readonly BlockRef[], events: readonly ChainEvent[]): ScanStep => {
    const cursor = blocks.at(-1) as BlockRef;
    return { events, cursor, blocks, ...thinOut([...blocks.toReversed(), ...known], aim.final), ...aim };
  };

  /** The range after the one that was read last, asked for in the same breath; only the very next step may use it. */
  let ahead: RangeRead | undefined;

  const ask = (from: bigint, final: bigint): RangeRead => {
    const to = least(from - 1n + BigInt(width.current()), final);
    const read = chain.events(from, to);
    // Until somebody awaits it, its error is nobody's.
    read.catch(() => undefined);
    return { from, to, read };
  };

  const byRange = async (from: From, aim: Aim, asked: RangeRead | undefined): Promise<ScanStep> => {
    const first = from.cursor.number + 1n;
    let range = asked?.from === first && asked.to <= aim.final ? asked : ask(first, aim.final);
    for (;;) {
      // The node works on the next one while this one is parsed.
      ahead = range.to < aim.final ? ask(range.to + 1n, aim.final) : undefined;
      try {
        const { events, parentHash, last } = await range.read;
        width.succeeded();
        if (parentHash !== from.cursor.hash) throw ofAnotherBranch(first);
        return read(from, aim, [refOf(last)], events);
      } catch (error) {
        if (!(error instanceof Error) || !asksForLess(error.message)) throw error;
        if (!width.failed(blocksIn(range))) throw unreadable(first, error);
        range = ask(first, aim.final);
      }
    }
  };

  const byHash = async (from: From, aim: Aim): Promise<ScanStep | undefined> => {
    const last = least(from.cursor.number + BigInt(blocksPerStep), aim.head);
    const children: Head[] = [];
    let parent: BlockRef = from.cursor;
    for (const block of await chain.blocks(from.cursor.number + 1n, last)) {
      if (block === undefined || block.parentHash !== parent.hash) break;
      children.push(block);
      parent = block;
    }
    if (children.length === 0) return undefined;
    const events = await chain.eventsOfBlocks(children);
    return read(from, aim, children.map(refOf), events);
  };

  /** Goes back to the newest block that the chain and the journal share. */
  const rewound = async ({ cursor, known }: From, aim: Aim): Promise<ScanStep | undefined> => {
    const back = (block: Head, isDeep: boolean): ScanStep => {
      const [to, rewindTo] = [refOf(block), block.number];
      if (isDeep) onDeepReorg(cursor, rewindTo);
      const shared = known.filter(({ number }) => number < rewindTo);
      return { events: [], blocks: [to], cursor: to, known: [to, ...shared], forgotten: [], rewindTo, ...aim };
    };
    for (const block of known.filter(({ number }) => number < cursor.number)) {
      const now = await chain.block(block.number);
      // By today's finality: the chain may have grown by any number of blocks since the reorg.
      if (now?.hash === block.hash) return back(now, cursor.number - now.number > aim.head - aim.final);
    }
    const lowest = known.at(-1)?.number ?? cursor.number;
    const to = lowest > BigInt(rewind) ? lowest - BigInt(rewind) : 0n;
    const block = await chain.block(to);
    return block && back(block, true);
  };

  const step: Scanner["step"] = async (from) => {
    const { cursor, known } = from;
    const asked = ahead;
    ahead = undefined;
    const [head, here] = await Promise.all([chain.head(), chain.block(cursor.number)]);
    const aim: Aim = { final: await chain.finalBlock(head), head: head.number };
    if (head.number < cursor.number) {
      const then = known.find(({ number }) => number === head.number);
      if (then !== undefined && then.hash !== head.hash) return rewound(from, aim);
      onHeadBehind(cursor, head.number);
      return undefined;
    }
    if (here === undefined) return undefined;
    if (here.hash !== cursor.hash) return rewound(from, aim);
    if (cursor.number < aim.final) return byRange(from, aim, asked);
    return cursor.number < aim.head ? byHash(from, aim) : undefined;
  };
  return { step };
}

type RangeRead = { readonly from: bigint; readonly to: bigint; readonly read: ReturnType<ChainPort["events"]> };

const blocksIn = ({ from, to }: RangeRead): number => Number(to - from) + 1;

const unreadable = (block: bigint, cause: Error) =>
  new RetryableError(`the node refuses the events of the single block ${block}: ${cause.message}`, {
    code: "BLOCK_UNREADABLE",
    remedy: "use another endpoint, or raise its limits; the checkpoint stays where it is",
    cause,
  });

/** The checkpoint's block was another node's, or has been taken back since it was looked at: the next step looks again. */
const ofAnotherBranch = (block: bigint) =>
  new RetryableError(`block ${block} does not follow the checkpoint's: another node, or a reorg since, has given it`, {
    code: "NODE_BEHIND",
    remedy: "nothing; if it stays, an endpoint stands still on blocks that a reorg took back: look at each",
  });

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const refOf = ({ number, hash }: BlockRef): BlockRef => ({ number, hash });
