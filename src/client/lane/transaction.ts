import type { HttpRpc } from "../../chain/jsonRpc.ts";
import type { Attempt, Mined } from "../../journal/journal.ts";
import type { Hash, Hex, Nonce } from "../../protocol/brand.ts";
import type { Turn } from "./turns.ts";

/** A call that is to be mined once. */
export type Transaction = {
  /** What it is, for messages, e.g. `the confirmation of 0x…`. */
  readonly what: string;
  readonly to: Hex;
  readonly data: Hex;
  /** Of transactions with the same key, at most one is in flight. */
  readonly key?: string;
  /** Where what holds in the end is what was mined last: it is never signed after one that was begun later, and sets it otherwise. */
  readonly turn?: Turn;
  /** Asks the chain as it is now. @param rpc Whom. @default the best endpoint @throws RefusedError or InputError if it would refuse. */
  readonly check: (rpc?: HttpRpc) => Promise<unknown>;
  /** What else must hold before it is signed in a nonce; not before it is sent again. @throws what keeps it from that. */
  readonly before?: () => Promise<unknown>;
  /** Keeps what is signed, before it is sent. @throws what keeps it from being sent. */
  readonly record?: (attempt: Attempt) => Promise<void>;
};

/** As its receipt told. */
export type SeenMined = Mined & {
  readonly blockHash: Hash;
  readonly fee: bigint;
  readonly succeeded: boolean;
  readonly kind: Attempt["kind"];
  /** The newest block when the receipt was read: it has no confirmations by what came since. */
  readonly readAt: bigint;
};

/** A transaction that is signed: it holds its nonce until something was mined in it. */
export type Entry = {
  readonly transaction: Transaction;
  readonly nonce: Nonce;
  /** Oldest first; each in the same nonce. */
  readonly attempts: Attempt[];
  mined: SeenMined | undefined;
  /** Clock milliseconds when its bytes were last sent. */
  sentAt: number | undefined;
  /** What the node last said to them. */
  answer: string | undefined;
  /** The same, where it is a node's own word, and on these bytes: anything else may quote one on something else. */
  word?: string | undefined;
  /** Why it is called off. */
  refusal: Error | undefined;
  /** Clock milliseconds since when its nonce is used, finally, and no endpoint has its receipt. */
  displacedSince?: number | undefined;
  /** Set once nothing about it can change: it was mined in a block that is final, or something else was, in its nonce. */
  fate: "settled" | "displaced" | undefined;
};
