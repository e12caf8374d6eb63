import { firstValueFrom, timer } from "rxjs";
import type { Fees } from "../../chain/chainPort.ts";
import type { HttpRpc } from "../../chain/jsonRpc.ts";
import type { Clock } from "../../clock.ts";
import { describeError, RetryableError } from "../../errors.ts";
import type { Attempt } from "../../journal/journal.ts";
import { formatOgpu } from "../../protocol/amounts.ts";
import { checksummed, type Nonce, toNonce } from "../../protocol/brand.ts";
import { feeCap } from "../../sink/fees.ts";
import { type Call, maxCostOf } from "../../sink/signAttempts.ts";
import { InputError, NotMinedError, RefusedError, TransactionFailedError } from "../errors.ts";
import type { MinedTransaction, WriteOptions } from "../types.ts";
import { estimateGas } from "./estimateGas.ts";
import { type LookDeps, look, send } from "./look.ts";
import type { Entry, Outcome, Transaction } from "./transaction.ts";

export type LaneDeps = Omit<LookDeps, "now"> & {
  readonly rpc: HttpRpc;
  readonly clock: Clock;
  readonly pollIntervalMs: number;
};

/** What is signed and not known to be mined. */
export type InFlight = {
  readonly nonce: number;
  readonly hash: `0x${string}`;
  readonly what: string;
  readonly since: number;
};

/**
 * The transactions of one key, in order and several at a time. It remembers what it signed for as long as the process
 * lives, by the same rules as the daemon's sink: a nonce is free again only when something was mined in it, and no
 * time-out ever frees one.
 */
export type Lane = {
  readonly address: `0x${string}`;
  /**
   * Has a call mined once. The same call (by its key) joins the one that is in flight.
   * @throws RefusedError if the chain would refuse it, and nothing was signed; NotMinedError if it is not mined in time,
   *   and still may be; TransactionFailedError if it reverted.
   */
  readonly mine: (transaction: Transaction, options?: WriteOptions) => Promise<MinedTransaction>;
  /** Waits on for what is in flight in a nonce. @throws as `mine`; InputError `NOTHING_IN_FLIGHT`. */
  readonly wait: (nonce: number, options?: WriteOptions) => Promise<MinedTransaction>;
  /** The nonce after the highest that was signed here. */
  readonly cached: () => number | undefined;
  /** Clock milliseconds since when; what is final is not among them. */
  readonly inFlight: () => readonly InFlight[];
  /** Takes note of a replacement that was signed elsewhere. @param reason Why, where it calls the transaction off. */
  readonly adopt: (attempt: Attempt, reason: Error) => void;
  /** Forgets what is settled, and asks the node anew; what is in flight keeps its nonce. */
  readonly reset: () => void;
  /** Runs alone: no nonce is taken meanwhile. */
  readonly alone: <T>(work: () => Promise<T>) => Promise<T>;
  /** Looks at what is in flight, once. */
  readonly look: () => Promise<void>;
};

const defaults = { maxRetries: 3, timeoutMs: 120_000, confirmations: 1 };

export function createLane(deps: LaneDeps): Lane {
  const { chain, signer, clock, pollIntervalMs } = deps;
  const lookDeps: LookDeps = { ...deps, now: clock.now };
  const entries = new Map<Nonce, Entry>();
  let highest: number | undefined;
  let tail: Promise<unknown> = Promise.resolve();
  let sight: { readonly head: bigint; readonly displaced: ReadonlySet<Entry> } = { head: 0n, displaced: new Set() };
  let looking: Promise<void> | undefined;
  let trouble = "";

  const alone = <T>(work: () => Promise<T>): Promise<T> => {
    const done = tail.then(work);
    tail = done.catch(() => undefined);
    return done;
  };

  const lookOnce = async (): Promise<void> => {
    const current = [...entries.values()];
    if (current.length === 0) return;
    try {
      const { head, settled: over, displaced } = await look(lookDeps, current);
      sight = { head, displaced: new Set(displaced) };
      trouble = "";
      for (const entry of [...over, ...displaced]) entries.delete(entry.nonce);
    } catch (error) {
      if (!(error instanceof RetryableError)) throw error;
      trouble = describeError(error);
    }
  };
  /** Callers that wait share a look. */
  const nextLook = (): Promise<void> => {
    looking ??= firstValueFrom(timer(pollIntervalMs, clock.scheduler))
      .then(lookOnce)
      .finally(() => {
        looking = undefined;
      });
    return looking;
  };

  const outcomeOf = (entry: Entry, confirmations: number): Outcome | undefined => {
    if (sight.displaced.has(entry)) return { type: "displaced" };
    const { mined } = entry;
    if (mined === undefined || sight.head - mined.blockNumber + 1n < BigInt(confirmations)) return undefined;
    if (mined.kind === "cancel" && entry.refusal !== undefined) return { type: "called-off", reason: entry.refusal };
    return mined.succeeded ? { type: "mined", ...mined } : { type: "reverted", hash: mined.hash };
  };

  const settled = async (entry: Entry, confirmations: number, until: number): Promise<Outcome> => {
    for (;;) {
      await nextLook();
      const outcome = outcomeOf(entry, confirmations);
      if (outcome) return outcome;
      if (clock.now() < until) continue;
      const hash = entry.attempts.at(-1)?.hash ?? "0x";
      const why = entry.answer ?? (trouble || "no block has it");
      throw new NotMinedError(entry.transaction.what, { hash, nonce: entry.nonce }, why);
    }
  };

  const joined = (transaction: Transaction) => [...entries.values()].find((entry) => joins(entry, transaction));

  const admit = async (transaction: Transaction, wanted: number | undefined): Promise<Entry> => {
    // A block that was taken back since puts a mined one in flight again.
    if ([...entries.values()].some(({ mined, transaction: { key } }) => mined && key === transaction.key))
      await lookOnce();
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
    return alone(async () => joined(transaction) ?? signed(transaction, { ...terms, nonce: await nextNonce(wanted) }));
  };

  const signed = async (transaction: Transaction, terms: Pick<Call, "gas" | "fees" | "nonce">): Promise<Entry> => {
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
      sentAtBlock: undefined,
      answer: undefined,
      refusal: undefined,
    };
    entries.set(nonce, entry);
    highest = Math.max(highest ?? 0, nonce);
    await send(lookDeps, entry);
    return entry;
  };

  const nextNonce = async (wanted: number | undefined): Promise<Nonce> => {
    const [mined, pending] = await Promise.all([chain.minedNonce(signer.address), chain.pendingNonce(signer.address)]);
    if (wanted === undefined) return toNonce(Math.max(mined, pending, highest === undefined ? 0 : highest + 1));
    const nonce = toNonce(wanted);
    const holder = entries.get(nonce);
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

  /** Waits for an entry; `undefined`: it may be signed anew. */
  const conclude = async (
    entry: Entry,
    { timeoutMs = defaults.timeoutMs, confirmations = defaults.confirmations }: WriteOptions,
    mayRetry: boolean,
  ): Promise<MinedTransaction | undefined> => {
    const { transaction, nonce } = entry;
    const outcome = await settled(entry, confirmations, clock.now() + timeoutMs);
    switch (outcome.type) {
      case "mined":
        return { hash: outcome.hash, nonce, blockNumber: outcome.blockNumber, fee: outcome.fee };
      case "called-off":
        throw outcome.reason;
      case "reverted":
        // Says why, where the chain would still refuse it.
        await transaction.check();
        if (mayRetry) return undefined;
        throw new TransactionFailedError(transaction.what, { hash: outcome.hash, nonce }, "no reason given");
      case "displaced":
        if (mayRetry) return undefined;
        throw new RefusedError(`nonce ${nonce} was used by another transaction than ${transaction.what}`, {
          code: "NONCE_TAKEN",
          remedy: "somebody else uses this key: give each program a key of its own, and call again",
        });
      default:
        return outcome satisfies never;
    }
  };

  const mine: Lane["mine"] = async (transaction, options = {}) => {
    const { maxRetries = defaults.maxRetries, nonce } = options;
    for (let retry = 0; ; retry++) {
      const entry = await admit(transaction, nonce);
      const mined = await conclude(entry, options, retry < maxRetries && nonce === undefined);
      if (mined) return mined;
    }
  };

  const wait: Lane["wait"] = async (nonce, options = {}) => {
    const entry = entries.get(toNonce(nonce));
    const mined = entry && (await conclude(entry, options, false));
    if (mined) return mined;
    throw new InputError(`nothing that this client signed is in flight in nonce ${nonce}`, {
      code: "NOTHING_IN_FLIGHT",
      remedy: "look for the receipt of its hash: it is mined long since, or another process signed it",
    });
  };

  return {
    address: checksummed(signer.address),
    mine,
    wait,
    alone,
    look: lookOnce,
    cached: () => (highest === undefined ? undefined : highest + 1),
    inFlight: () =>
      [...entries.values()]
        .filter(({ mined }) => mined === undefined)
        .map(({ nonce, attempts, transaction }) => ({
          nonce,
          hash: attempts.at(-1)?.hash ?? "0x",
          what: transaction.what,
          since: attempts[0]?.signedAt ?? 0,
        })),
    adopt: (attempt, reason) => {
      const entry = entries.get(attempt.nonce);
      entry?.attempts.push(attempt);
      if (entry && attempt.kind === "cancel") entry.refusal = reason;
    },
    reset: () => {
      const taken = [...entries.keys()];
      highest = taken.length === 0 ? undefined : Math.max(...taken);
    },
  };
}

/** Another transaction with this one's key is in flight: the same joins it, a different one must not be signed. */
function joins({ transaction: other, attempts, nonce, mined }: Entry, transaction: Transaction): boolean {
  if (transaction.key === undefined || other.key !== transaction.key || mined !== undefined) return false;
  if (other.to === transaction.to && other.data === transaction.data) return true;
  throw new RefusedError(
    `${other.what} is on its way (nonce ${nonce}, ${attempts.at(-1)?.hash}), so nothing else is signed`,
    {
      code: "ALREADY_SENT",
      remedy: "wait until it is mined; a task is paid once",
    },
  );
}

/** What it takes, and whether it can be had: all of it before anything is signed. */
async function prepare(
  deps: LaneDeps,
  transaction: Transaction,
): Promise<{ readonly gas: bigint; readonly fees: Fees }> {
  const { chain, signer, maxFeePerGas } = deps;
  await transaction.check();
  const [gas, fees, balance] = await Promise.all([
    estimateGas(deps.rpc, signer.address, transaction),
    chain.fees(),
    chain.balance(signer.address),
  ]);
  if (feeCap(fees) > maxFeePerGas) {
    throw new RefusedError(`gas costs ${feeCap(fees)} wei, more than maxFeePerGas (${maxFeePerGas} wei)`, {
      code: "FEES_TOO_HIGH",
      remedy: "wait until gas is cheaper, or raise maxFeePerGas",
    });
  }
  const most = maxCostOf({ gas, fees });
  if (balance < most) {
    const [has, needs] = [formatOgpu(balance), formatOgpu(most)];
    throw new RefusedError(
      `${checksummed(signer.address)} has ${has}, and ${transaction.what} may take ${needs} of gas`,
      {
        code: "GAS_UNFUNDED",
        remedy: `send it ${formatOgpu(most - balance)} or more`,
      },
    );
  }
  return { gas, fees };
}
