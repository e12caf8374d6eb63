import type { Attempt } from "../../journal/journal.ts";
import { checksummed, type Nonce, toNonce } from "../../protocol/brand.ts";
import { readAttempt } from "../../sink/replace.ts";
import { type Call, maxCostOf } from "../../sink/signAttempts.ts";
import { InputError, RefusedError } from "../errors.ts";
import type { MinedTransaction, WriteOptions } from "../types.ts";
import { conclude } from "./conclude.ts";
import { createEntries, type EntriesDeps } from "./entries.ts";
import { countedElsewhere, freeNonce } from "./freeNonce.ts";
import { send } from "./look.ts";
import { type PrepareDeps, prepare } from "./prepare.ts";
import type { Entry, Transaction } from "./transaction.ts";
import { createTurns, type Turn } from "./turns.ts";

export type LaneDeps = EntriesDeps & PrepareDeps;

/** What is signed and not known to be mined. */
export type InFlight = {
  readonly nonce: number;
  readonly hash: `0x${string}`;
  readonly what: string;
  readonly since: number;
};

/** @param hash One of those that were signed in the nonce; without it, whatever was. */
export type Sent = { readonly nonce: number; readonly hash?: `0x${string}` };

/**
 * The transactions of one key, in order and several at a time. It remembers what it signed for as long as the process
 * lives, by the same rules as the daemon's sink: a nonce is free again only when something was mined in it, and no
 * time-out ever frees one.
 */
export type Lane = {
  readonly address: `0x${string}`;
  /**
   * Has a call mined once. The same call (by its key) joins the one that is in flight.
   * @throws RefusedError if the chain would refuse it, and nothing was signed, or what was is called off; NotMinedError if
   *   it is not mined in time, and still may be; TransactionFailedError if it reverted, finally.
   */
  readonly mine: (transaction: Transaction, options?: WriteOptions) => Promise<MinedTransaction>;
  /** A place in the order of the calls that set the same thing, for one that begins now. */
  readonly turn: (of: string) => Turn;
  /** Waits on for what was signed in a nonce; of what is concluded it tells at once. @throws as `mine`; InputError `NOTHING_IN_FLIGHT`. */
  readonly wait: (sent: Sent, options?: WriteOptions) => Promise<MinedTransaction>;
  /** The nonce after the highest that was signed here. */
  readonly cached: () => number | undefined;
  /** Clock milliseconds since when; what is final is not among them. */
  readonly inFlight: () => readonly InFlight[];
  /** What is signed in a nonce, in flight or mined in a block that can still be taken back. */
  readonly holder: (nonce: number) => Entry | undefined;
  /** Takes note of a replacement that was signed elsewhere, unless it makes another call. @param reason Why, where it calls the transaction off. */
  readonly adopt: (attempt: Attempt, reason: Error) => void;
  /** Forgets how far it had counted, and asks the node anew; what is in flight keeps its nonce. */
  readonly reset: () => void;
  /** Runs alone: no nonce is taken meanwhile. */
  readonly alone: <T>(work: () => Promise<T>) => Promise<T>;
};

const defaultRetries = 3;

/** Milliseconds for which what was checked holds while others are signed: a slow signer, or `fixNonce`, may take its time. */
const freshMs = 5_000;

export function createLane(deps: LaneDeps): Lane {
  const { chain, signer, clock } = deps;
  const entries = createEntries(deps);
  const turns = createTurns();
  let highest: number | undefined;
  let tail: Promise<unknown> = Promise.resolve();

  const alone = <T>(work: () => Promise<T>): Promise<T> => {
    const done = tail.then(work);
    tail = done.catch(() => undefined);
    return done;
  };

  const joined = (transaction: Transaction) => entries.open().find((entry) => joins(entry, transaction));

  const admit = async (transaction: Transaction, wanted: number | undefined): Promise<Entry> => {
    // A block that was taken back since puts a mined one in flight again.
    const { key } = transaction;
    if (key !== undefined && entries.open().some((entry) => entry.mined && entry.transaction.key === key))
      await entries.look();
    const before = joined(transaction);
    if (before) return before;
    let terms: Pick<Call, "gas" | "fees">;
    try {
      terms = await prepare(deps, transaction);
    } catch (error) {
      // The same call may have been signed meanwhile: then this one would be refused because of it, and joins it instead.
      const meanwhile = joined(transaction);
      if (meanwhile) return meanwhile;
      throw error;
    }
    const prepared = clock.now();
    return alone(async () => {
      const first = joined(transaction);
      if (first) return first;
      const nonce = await nextNonce(wanted);
      const isFresh = clock.now() - prepared < freshMs;
      return signed(transaction, { ...(isFresh ? terms : await prepare(deps, transaction)), nonce });
    });
  };

  const signed = async (transaction: Transaction, terms: Pick<Call, "gas" | "fees" | "nonce">): Promise<Entry> => {
    turns.require(transaction);
    const { nonce } = terms;
    const call = { to: transaction.to, data: transaction.data, ...terms };
    const bytes = await signer.sign({ ...call, chainId: deps.chainId });
    const attempt = { kind: "confirm", ...bytes, nonce, signedAt: clock.now(), maxCost: maxCostOf(call) } as const;
    await transaction.record?.(attempt);
    const entry: Entry = {
      transaction,
      nonce,
      attempts: [attempt],
      mined: undefined,
      sentAt: undefined,
      answer: undefined,
      refusal: undefined,
      fate: undefined,
    };
    entries.add(entry);
    turns.signed(transaction, nonce);
    highest = Math.max(highest ?? 0, nonce);
    await send({ chain, now: clock.now }, entry);
    return entry;
  };

  const nextNonce = async (wanted: number | undefined): Promise<Nonce> => {
    if (wanted === undefined) return freeNonce(deps, highest === undefined ? undefined : toNonce(highest + 1));
    const [mined, here, elsewhere = 0] = await Promise.all([
      chain.minedNonce(signer.address),
      chain.pendingNonce(signer.address),
      countedElsewhere(deps),
    ]);
    const pending = Math.max(here, elsewhere);
    const nonce = toNonce(wanted);
    const holder = entries.holder(nonce);
    const why = holder
      ? `${holder.transaction.what} is signed in it`
      : nonce < mined
        ? "a transaction is mined in it"
        : nonce < pending
          ? "a transaction waits in it"
          : undefined;
    if (why === undefined) return nonce;
    throw new RefusedError(`nonce ${nonce} of ${checksummed(signer.address)} is taken: ${why}`, {
      code: "NONCE_TAKEN",
      remedy: "leave the nonce out: the next free one is taken then; or mend a stuck one with `fixNonce`",
    });
  };

  const mine: Lane["mine"] = async (transaction, options = {}) => {
    const { maxRetries = defaultRetries, nonce } = options;
    let failure: ((why?: unknown) => Error) | undefined;
    for (let retry = 0; ; retry++) {
      const entry = await admit(transaction, nonce).catch((error) => {
        throw failure?.(error) ?? error;
      });
      const conclusion = await conclude(entries, entry, clock, options);
      if (conclusion.type === "mined") return conclusion.mined;
      failure = conclusion.failure;
      if (retry >= maxRetries || nonce !== undefined) throw failure();
    }
  };

  const wait: Lane["wait"] = async ({ nonce, hash }, options = {}) => {
    const entry = entries.find(toNonce(nonce));
    if (entry === undefined || (hash !== undefined && !entry.attempts.some((each) => each.hash === hash))) {
      const under = hash === undefined ? "" : ` under the hash ${hash}`;
      throw new InputError(
        `this client knows of nothing that ${checksummed(signer.address)} signed in nonce ${nonce}${under}`,
        {
          code: "NOTHING_IN_FLIGHT",
          remedy:
            "give the signer that signed it, where it is not the client's; else another process did, or it was concluded long ago: look what was mined in that nonce before you send it again",
        },
      );
    }
    const conclusion = await conclude(entries, entry, clock, options);
    if (conclusion.type === "mined") return conclusion.mined;
    throw conclusion.failure();
  };

  return {
    address: checksummed(signer.address),
    mine,
    turn: turns.next,
    wait,
    alone,
    cached: () => (highest === undefined ? undefined : highest + 1),
    inFlight: () =>
      entries
        .open()
        .filter(({ mined }) => mined === undefined)
        .map(({ nonce, attempts, transaction }) => ({
          nonce,
          hash: attempts.at(-1)?.hash ?? "0x",
          what: transaction.what,
          since: attempts[0]?.signedAt ?? 0,
        })),
    holder: (nonce) => entries.holder(toNonce(nonce)),
    adopt: (attempt, reason) => {
      const entry = entries.holder(attempt.nonce);
      // Another program may have signed another call in that nonce: what comes of that one is none of this one's.
      if (entry === undefined || (attempt.kind === "confirm" && !isCallOf(attempt, entry.transaction))) return;
      entry.attempts.push(attempt);
      if (attempt.kind === "cancel") entry.refusal = reason;
    },
    reset: () => {
      const taken = entries.open().map(({ nonce }) => nonce);
      highest = taken.length === 0 ? undefined : Math.max(...taken);
    },
  };
}

function isCallOf(attempt: Attempt, { to, data }: Transaction): boolean {
  const { call } = readAttempt(attempt);
  return call.to.toLowerCase() === to.toLowerCase() && call.data === data;
}

/** Another transaction with this one's key is in flight: the same joins it, a different one must not be signed. */
function joins({ transaction: other, attempts, nonce, mined }: Entry, transaction: Transaction): boolean {
  if (transaction.key === undefined || other.key !== transaction.key) return false;
  // What is done is the chain's to tell; what reverted, or was called off, can still be taken back.
  if (mined?.succeeded && mined.kind === "confirm") return false;
  if (other.to === transaction.to && other.data === transaction.data) return true;
  throw new RefusedError(
    `${other.what} is on its way (nonce ${nonce}, ${attempts.at(-1)?.hash}), so nothing else is signed`,
    {
      code: "ALREADY_SENT",
      remedy: "wait until it is mined; a task is paid once",
    },
  );
}
