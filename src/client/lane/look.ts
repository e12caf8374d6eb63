import type { ChainPort, Head, Receipt } from "../../chain/chainPort.ts";
import type { HttpRpc } from "../../chain/jsonRpc.ts";
import { describeError } from "../../errors.ts";
import type { Attempt } from "../../journal/journal.ts";
import { type Hash, type Hex, wei } from "../../protocol/brand.ts";
import type { Signer } from "../../signer/signerPort.ts";
import { raisedFees } from "../../sink/fees.ts";
import { finalNonceOf, isBehind } from "../../sink/finalNonce.ts";
import { gasCost } from "../../sink/gasCost.ts";
import { newestReceipt, nextStep } from "../../sink/nextStep.ts";
import { readAttempt, transferOfNothing } from "../../sink/replace.ts";
import { maxCostOf } from "../../sink/signAttempts.ts";
import { refusedByNow } from "./refusedByNow.ts";
import type { Entry, SeenMined } from "./transaction.ts";

export type LookDeps = {
  readonly chain: ChainPort;
  /** Another endpoint than the one that answers, where there is one. */
  readonly elsewhere: HttpRpc;
  readonly signer: Signer;
  readonly chainId: number;
  readonly now: () => number;
  /** Wei per gas. */
  readonly maxFeePerGas: bigint;
  /** Milliseconds without a receipt after which bytes are sent again, dearer where that may help. */
  readonly rebroadcastAfterMs: number;
  /** Milliseconds for which no endpoint may have a receipt before a used nonce is taken for somebody else's. @default 10_000 */
  readonly receiptLagMs?: number | undefined;
};

/** What one look found. @param settled Mined in a block that can no longer be taken back. */
export type Sight = {
  readonly head: bigint;
  readonly settled: readonly Entry[];
  readonly displaced: readonly Entry[];
};

/**
 * Looks once at everything in flight, by the rules of the daemon's own sink: what has a receipt is mined; what was out for
 * long is checked and sent again, dearer; what the chain would refuse by now is called off in its own nonce.
 * @throws RetryableError if the endpoint does not answer; nothing is lost.
 */
export async function look(deps: LookDeps, entries: readonly Entry[]): Promise<Sight> {
  const { chain } = deps;
  const newest = await chain.head();
  const head = newest.number;
  const final = await chain.finalBlock(newest);
  // The count comes before the receipts: what it counts was mined before they are read.
  const finalNonce = await finalNonceOf(deps, final, newest);
  const hashes = entries.flatMap(({ attempts }) => attempts.map(({ hash }) => hash));
  const answers = await chain.receipts(hashes);
  const found = new Map(answers.flatMap((each) => (each && !(each instanceof Error) ? [[each.hash, each]] : [])));
  const failed = new Map(answers.flatMap((each, at) => (each instanceof Error ? [[hashes[at], each]] : [])));
  const steps = entries.map((entry) => {
    const { sentAt } = entry;
    const receipts = entry.attempts.flatMap(({ hash }) => found.get(hash) ?? []);
    const [unread] = receipts.length > 0 ? [] : entry.attempts.flatMap(({ hash }) => failed.get(hash) ?? []);
    if (unread) {
      // What cannot be told of one must not hold up the others. What it had told stays, and has no more confirmations by that.
      entry.answer = describeError(unread);
      return { entry, step: { type: "stay" } as const, receipt: undefined };
    }
    const step = nextStep(entry, {
      final,
      finalNonce,
      receipts,
      sinceBroadcastMs: sentAt === undefined ? undefined : deps.now() - sentAt,
      rebroadcastAfterMs: deps.rebroadcastAfterMs,
    });
    return { entry, step, receipt: newestReceipt(entry, receipts) };
  });
  const sure = await onSameHead(
    deps,
    newest,
    steps.flatMap(({ step }) => (step.type === "final" ? [step.receipt.hash] : [])),
  );
  const settled: Entry[] = [];
  const displaced: Entry[] = [];
  for (const { entry, step, receipt } of steps) {
    if (step.type !== "displaced") entry.displacedSince = undefined;
    switch (step.type) {
      case "mined":
      case "stay":
        // Also where it stands at the same height as before: another block there may have let it revert.
        if (receipt) entry.mined = minedBy(entry, receipt, head);
        break;
      case "final": {
        // Another node may still tell of a branch that is gone: what is in doubt is looked at again.
        const { hash, blockHash } = step.receipt;
        const mined = minedBy(entry, step.receipt, head);
        const isSure =
          sure.some((each) => each.hash === hash && each.blockHash === blockHash) &&
          ((mined.succeeded && mined.kind === "confirm") || (await isSoElsewhere(deps, entry, step.receipt)));
        entry.mined = isSure ? mined : undefined;
        if (isSure) settled.push(entry);
        break;
      }
      case "vanished":
      case "rebroadcast":
        if (step.type === "vanished") entry.mined = undefined;
        await sendAgain(deps, entry, step.type === "rebroadcast" && step.stuck).catch(cannotTell(entry));
        break;
      case "displaced":
        await isDisplaced(deps, newest, entry).then((isSo) => isSo && displaced.push(entry), cannotTell(entry));
        break;
      default:
        step satisfies never;
    }
  }
  return { head, settled, displaced };
}

/** One that cannot be told of now must not hold up the others. */
const cannotTell = (entry: Entry) => (error: unknown) => {
  entry.answer = describeError(error);
};

/** Receipts by a node that stands on that very head; none where the one that answers stands elsewhere. */
async function onSameHead({ chain }: LookDeps, head: Head, hashes: readonly Hash[]): Promise<readonly Receipt[]> {
  if (hashes.length === 0) return [];
  try {
    const answers = await chain.receiptsAt(hashes, head.number, head.hash);
    return answers.filter((each): each is Receipt => !(each instanceof Error));
  } catch (error) {
    if (isBehind(error)) return [];
    throw error;
  }
}

/**
 * Whether no endpoint has had a receipt for a while of one whose nonce is used. The count and the receipts may have come from two
 * nodes: one that stands on the same head must have them; and a node may count what it has no receipt of yet, or have lost one.
 */
async function isDisplaced(deps: LookDeps, head: Head, entry: Entry): Promise<boolean> {
  const { now, receiptLagMs = 10_000 } = deps;
  // Before anything is asked: a process that stands still in between has asked nobody meanwhile.
  const asked = now();
  const isSo = (await hasNone(deps, head, entry)) && (await isSoElsewhere(deps, entry, undefined));
  // Not where the clock was set back since.
  entry.displacedSince = isSo ? Math.min(entry.displacedSince ?? asked, asked) : undefined;
  if (entry.displacedSince === undefined) return false;
  entry.answer = "its nonce is used, and no endpoint has its receipt";
  if (asked - entry.displacedSince < receiptLagMs) return false;
  const { attempts } = entry;
  const hashes = attempts.map(({ hash }) => hash);
  const held = await deps.chain.findInBlocks(
    hashes,
    head.number,
    Math.min(...attempts.map(({ signedAt }) => signedAt)),
  );
  if (held === undefined) return true;
  entry.displacedSince = undefined;
  entry.answer = `block ${held.blockNumber} has it, and no endpoint its receipt`;
  return false;
}

async function hasNone({ chain }: LookDeps, head: Head, { attempts }: Entry): Promise<boolean> {
  const hashes = attempts.map(({ hash }) => hash);
  try {
    return (await chain.receiptsAt(hashes, head.number, head.hash)).length === 0;
  } catch (error) {
    if (isBehind(error)) return false;
    throw error;
  }
}

/**
 * What has a call signed anew is the word of two endpoints, where there are two: nothing else keeps a task from being published twice.
 * @param receipt `undefined`: it has none.
 */
async function isSoElsewhere(
  { chain, signer }: LookDeps,
  { transaction, nonce, attempts }: Entry,
  receipt: Receipt | undefined,
): Promise<boolean> {
  const hashes = attempts.map(({ hash }) => hash);
  try {
    const { mined, receipts } = await chain.minedElsewhere(signer.address, hashes);
    if (mined <= nonce) return false;
    if (receipt === undefined) return receipts.length === 0;
    return receipts.some(
      (each) => !(each instanceof Error) && each.hash === receipt.hash && each.succeeded === receipt.succeeded,
    );
  } catch {
    // What has a key the contracts let be done once, whatever is signed: an endpoint that is away need not hold it up.
    return transaction.key !== undefined;
  }
}

function minedBy({ attempts }: Entry, receipt: Receipt, readAt: bigint): SeenMined {
  const { hash, blockNumber, blockHash, succeeded } = receipt;
  const attempt = attempts.find((each) => each.hash === hash);
  return {
    hash,
    blockNumber,
    blockHash,
    succeeded,
    kind: attempt?.kind ?? "confirm",
    fee: gasCost(attempt, receipt),
    readAt,
  };
}

/** @param stuck It was out for long: a higher fee may help. */
async function sendAgain(deps: LookDeps, entry: Entry, stuck: boolean): Promise<void> {
  const newest = entry.attempts.at(-1);
  if (newest === undefined) return;
  const refusal = newest.kind === "confirm" ? await refusedByNow(entry.transaction, deps.elsewhere) : undefined;
  if (refusal) {
    // What was mined since the receipts were asked for is refused because of itself.
    if ((await deps.chain.minedNonce(deps.signer.address)) > entry.nonce) return;
    entry.refusal = refusal;
    await dearer(deps, entry, newest, "cancel");
    // Where that would pass the ceiling, nothing goes out: least of all what is refused by now.
    return entry.attempts.at(-1)?.kind === "cancel" ? send(deps, entry) : undefined;
  }
  // What cannot be signed for more goes out as it was signed: the node may have forgotten it.
  const raised = stuck ? dearer(deps, entry, newest, newest.kind) : undefined;
  const trouble = await raised?.then(() => undefined, describeError);
  await send(deps, entry);
  entry.answer ??= trouble;
}

/** Signs the newest attempt anew, for more, in its nonce; where the bump alone would pass the ceiling the old bytes stay the newest. */
async function dearer(deps: LookDeps, entry: Entry, newest: Attempt, kind: Attempt["kind"]): Promise<void> {
  const { fees, call } = readAttempt(newest);
  const better = raisedFees(fees, await deps.chain.fees(true), deps.maxFeePerGas);
  if (better === undefined) return;
  const { signer, chainId } = deps;
  const next =
    kind === "cancel"
      ? transferOfNothing(signer.address, entry.nonce, better)
      : { ...call, nonce: entry.nonce, fees: better };
  const signed = await signer.sign({ ...next, chainId });
  const attempt = { kind, ...signed, nonce: entry.nonce, signedAt: deps.now(), maxCost: wei(maxCostOf(next)) };
  await entry.transaction.record?.(attempt);
  entry.attempts.push(attempt);
}

/** Sends the newest bytes. Whatever the node answers, the nonce stays taken. */
export async function send({ chain, now }: Pick<LookDeps, "chain" | "now">, entry: Entry): Promise<void> {
  const raw: Hex | undefined = entry.attempts.at(-1)?.raw;
  if (raw === undefined) return;
  const answer = await chain.broadcast(raw);
  entry.sentAt = now();
  entry.word = answer.ok ? undefined : answer.message;
  entry.answer = answer.ok ? undefined : (answer.why ?? answer.message);
}
