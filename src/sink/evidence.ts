import type { Receipt } from "../chain/chainPort.ts";
import type { BlockRef, Mined } from "../journal/journal.ts";
import type { Hash, Nonce } from "../protocol/brand.ts";
import { type InFlight, sinceSent } from "./lane.ts";
import type { TrackDeps } from "./track.ts";

/** What the chain says of one that is in flight. */
type Evidence = {
  /** Of each of its attempts, in their order; nothing where there is none, and its error where that cannot be told. */
  readonly receipts: readonly (Receipt | Error | undefined)[];
  /** They come from a node that stands on the head of the round. */
  readonly isPinned?: boolean;
  /** Where a log shows one of its attempts: its receipt was not asked for. */
  readonly logged?: Mined;
};

/** Where the round stands. */
type Standing = {
  readonly head: BlockRef;
  readonly final: bigint;
  /** The key's count in the newest final block. */
  readonly finalNonce: Nonce | undefined;
};

/** Receipts of one request; they go one after the other, so that what is sent meanwhile does not wait for a whole block's. */
const receiptsTogether = 100;

/**
 * What the chain says of those of which it has anything to say: of many that were mined since the last round one question
 * for the logs tells it, and receipts are asked for what has none (it reverted, or somebody else's stands there).
 */
export async function evidenceOf(
  deps: TrackDeps,
  entries: readonly InFlight[],
  standing: Standing,
): Promise<ReadonlyMap<number, Evidence>> {
  const { askAllUpTo = 16 } = deps;
  if (entries.length <= askAllUpTo) return receiptsOf(deps, entries);
  const { asked, fresh, ripe } = await worthAsking(deps, entries, standing);
  const logged = fresh.length > askAllUpTo ? await loggedOf(deps, fresh, standing) : new Map<number, Evidence>();
  const rest = asked.filter(({ confirmation: { id } }) => !logged.has(id));
  const receipts = await receiptsOf(deps, rest);
  return new Map([...logged, ...receipts, ...(await pinnedReceiptsOf(deps, ripe, standing))]);
}

type Worth = {
  /** Any node may tell of these. */
  readonly asked: readonly InFlight[];
  /** Those among them that are not known to be mined, and whose nonce is used. */
  readonly fresh: readonly InFlight[];
  /** Those that are known to be mined, in a block that is final now: their receipts must be beyond doubt. */
  readonly ripe: readonly InFlight[];
};

/**
 * Those of which a receipt can tell anything. One that is not mined has none while the account has not come to its nonce; of
 * one that is, none is wanted until its block is final, or the account has gone back.
 */
async function worthAsking(
  { chain, signer, now, rebroadcastAfterMs }: TrackDeps,
  entries: readonly InFlight[],
  { final, finalNonce }: Standing,
): Promise<Worth> {
  const used = Math.max(await chain.minedNonce(signer.address), finalNonce ?? 0);
  const fresh: InFlight[] = [];
  const ripe: InFlight[] = [];
  const asked = entries.filter((entry) => {
    const { nonce, mined, attempts } = entry.confirmation;
    if (nonce === undefined || attempts.some((attempt) => attempt.nonce !== nonce)) return true;
    const isUsed = used > nonce;
    if (mined !== undefined) {
      if (isUsed && mined.blockNumber <= final) ripe.push(entry);
      return !isUsed;
    }
    if (isUsed) fresh.push(entry);
    return isUsed || (sinceSent(entry, now()) ?? rebroadcastAfterMs) >= rebroadcastAfterMs;
  });
  return { asked, fresh, ripe };
}

/** Those that a log shows, in blocks that are not final yet: what is final needs its receipt. */
async function loggedOf(
  { chain }: TrackDeps,
  fresh: readonly InFlight[],
  { head, final }: Standing,
): Promise<ReadonlyMap<number, Evidence>> {
  const ids = new Map<Hash, number>();
  let sentAt = head.number;
  for (const { confirmation, sentAtBlock = final } of fresh) {
    for (const { kind, hash } of confirmation.attempts) if (kind === "confirm") ids.set(hash, confirmation.id);
    if (sentAtBlock < sentAt) sentAt = sentAtBlock;
  }
  const after = sentAt < final ? final : sentAt;
  const found = new Map<number, Evidence>();
  for (const [hash, blockNumber] of await chain.confirmedIn([...ids.keys()], after + 1n, head)) {
    const id = ids.get(hash);
    if (id !== undefined && blockNumber > final) found.set(id, { receipts: [], logged: { hash, blockNumber } });
  }
  return found;
}

/** By a node that stands on the head of the round; nothing of those that it cannot tell of now. */
async function pinnedReceiptsOf(
  { chain, report }: TrackDeps,
  entries: readonly InFlight[],
  { head }: Standing,
): Promise<ReadonlyMap<number, Evidence>> {
  const found = new Map<number, Evidence>();
  for (let at = 0; at < entries.length; at += receiptsTogether) {
    const some = entries.slice(at, at + receiptsTogether);
    try {
      const hashes = hashesOf(some).map(({ hash }) => hash);
      const receipts = await chain.receiptsAt(hashes, head.number, head.hash);
      const ofHash = new Map(receipts.map((receipt) => [receipt.hash, receipt]));
      for (const { confirmation } of some) {
        const its = confirmation.attempts.map(({ hash }) => ofHash.get(hash));
        found.set(confirmation.id, { receipts: its, isPinned: true });
      }
    } catch (error) {
      report({ type: "retry", what: "finality", error, inMs: 0 });
      break;
    }
  }
  return found;
}

const hashesOf = (entries: readonly InFlight[]) =>
  entries.flatMap(({ confirmation: { id, attempts } }) => attempts.map(({ hash }) => ({ id, hash })));

async function receiptsOf({ chain }: TrackDeps, entries: readonly InFlight[]): Promise<ReadonlyMap<number, Evidence>> {
  const asked = hashesOf(entries);
  // After a start nothing is sent yet, and all are waited for.
  const together = entries.some(({ sentAt }) => sentAt !== undefined) ? receiptsTogether : asked.length;
  const answers: (Receipt | Error | undefined)[] = [];
  for (let at = 0; at < asked.length; at += together) {
    const some = asked.slice(at, at + together);
    answers.push(...(await chain.receipts(some.map(({ hash }) => hash))));
  }
  const found = new Map<number, (Receipt | Error | undefined)[]>();
  for (const [index, { id }] of asked.entries()) {
    const known = found.get(id) ?? [];
    known.push(answers[index]);
    found.set(id, known);
  }
  return new Map([...found].map(([id, receipts]) => [id, { receipts }]));
}
