import { RetryableError } from "../errors.ts";
import { saysBehind } from "./endpoints/answerShapes.ts";
import { RpcError } from "./jsonRpc.ts";

/**
 * The newest block that there is to read. A socket tells of blocks first, and mostly a node over HTTP has them by then; where
 * none has, the socket is ahead, or lies, and is doubted: reads go by what HTTP has told of, until that has come as far.
 */
export type NewestBlock = {
  /** Where to read; 0: no block was heard of yet. */
  readonly at: () => bigint;
  /** A node told over HTTP that this is its head. */
  readonly told: (head: bigint) => void;
  /** A node has this block, over HTTP, and was asked for its state. */
  readonly found: (block: bigint) => void;
  /** A node has this block, over HTTP; there may be a newer one to read. */
  readonly shown: (block: bigint) => void;
  /** The socket told of a block. @returns whether to go by it: in doubt it is left to be found over HTTP. */
  readonly heard: (block: bigint) => boolean;
  /** What a node told over HTTP of its head, before anybody looked whether it has that block. */
  readonly claimed: (head: bigint) => void;
  /** A node was asked for this block over HTTP, and does not have it. */
  readonly missed: (block: bigint) => void;
  /** Whether blocks are missed for so long, and no claimed head was shown since, that heads are to be looked at. */
  readonly isDoubtful: () => boolean;
  /** The newest block that a node has shown. */
  readonly shownUpTo: () => bigint;
  /** No node has the head that was claimed, and this is the newest that one has. */
  readonly corrected: (claimed: bigint, head: bigint) => void;
  /** No node has this block over HTTP. @returns whether only the socket had told of it, and there may be another to read. */
  readonly lacking: (block: bigint) => boolean;
  /** Whether HTTP may soon have what the socket had told of before it was doubted. */
  readonly isAwaited: () => boolean;
  /** Another socket has taken over: what the last one told counts no more. */
  readonly forgetSocket: () => void;
};

/** A node may lag this many blocks behind another one; beyond it, the other one lied. */
const disbeliefBlocks = 256n;
/** Milliseconds for which HTTP may lag behind an honest socket, or one node behind another one that has answered before. */
const lagMs = 10_000;
/** So many lower heads in a row, for as long, take back one that no node has shown: of several nodes, one would tell it again. */
const enoughLower = 8;

export function createNewestBlock(now: () => number): NewestBlock {
  let overHttp = 0n;
  let overSocket = 0n;
  let doubtedSince: number | undefined;
  /** Below it nothing is read for want of a newer block: a node has had it. */
  let shown = 0n;
  /** What was told since the newest head was, all of it lower. */
  let lower: { readonly since: number; readonly times: number; readonly head: bigint } | undefined;
  const found = (block: bigint) => {
    if (block >= overHttp) [overHttp, lower] = [block, undefined];
    if (overHttp >= overSocket) doubtedSince = undefined;
  };
  let claimed = 0n;
  let missedSince: number | undefined;
  const show = (block: bigint) => {
    if (block > shown) shown = block;
    if (block >= claimed) missedSince = undefined;
  };
  const missed = (block: bigint) => {
    if (block > shown) missedSince ??= now();
  };
  return {
    at: () => (doubtedSince === undefined && overSocket > overHttp ? overSocket : overHttp),
    told: (head) => {
      // A head that is far below what was heard shows that this was never so: a snapshot there would fail for ever.
      if (overHttp - head > disbeliefBlocks) overHttp = head;
      if (overSocket - head > disbeliefBlocks) overSocket = head;
      if (shown - head > disbeliefBlocks) shown = head;
      found(head);
      if (overHttp <= head || overHttp <= shown) return;
      const { since, times, head: best } = lower ?? { since: now(), times: 0, head: shown };
      lower = { since, times: times + 1, head: best > head ? best : head };
      if (lower.times >= enoughLower && now() - since >= lagMs) [overHttp, lower] = [lower.head, undefined];
    },
    found: (block) => {
      show(block);
      found(block);
    },
    shown: show,
    heard: (block) => {
      if (overHttp > 0n && block - overHttp > disbeliefBlocks) return false;
      if (block > overSocket) overSocket = block;
      return doubtedSince === undefined || block <= overHttp;
    },
    claimed: (head) => {
      claimed = head;
    },
    missed,
    isDoubtful: () => missedSince !== undefined && now() - missedSince >= lagMs,
    shownUpTo: () => shown,
    corrected: (than, head) => {
      if (overHttp <= than) [overHttp, lower] = [head, undefined];
    },
    lacking: (block) => {
      missed(block);
      if (overHttp === 0n || block <= overHttp) return false;
      doubtedSince ??= now();
      return true;
    },
    isAwaited: () => doubtedSince !== undefined && now() - doubtedSince < lagMs,
    forgetSocket: () => {
      overSocket = 0n;
      doubtedSince = undefined;
    },
  };
}

/** Whether a read failed because the node that answered does not have the block, or not what should be in it. */
export const lacksBlock = (error: unknown): boolean =>
  error instanceof RpcError ? saysBehind(error) : error instanceof RetryableError && error.code === "NODE_BEHIND";
