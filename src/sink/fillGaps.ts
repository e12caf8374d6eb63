import { olderThanRead } from "../chain/farBehind.ts";
import type { Filler } from "../journal/sinkJournal.ts";
import { type Nonce, toNonce } from "../protocol/brand.ts";
import { feeCap, replacementFees } from "./fees.ts";
import { firstSeen } from "./firstSeen.ts";
import { classifyAnswer } from "./nodeErrors.ts";
import { readAttempt, transferOfNothing } from "./replace.ts";
import { maxCostOf } from "./signAttempts.ts";
import { tellCeiling } from "./tellCeiling.ts";
import type { TrackDeps } from "./track.ts";

/** Looks for nonces below those in flight that nobody holds, and fills them. */
type GapFiller = { readonly look: (deps: TrackDeps) => Promise<void> };

/** Looked at together, at the most: the lowest ones; those above them wait for these in any case. */
const mostTogether = 16;

/**
 * A gap keeps everything above it from being mined: a stranger's transaction that was counted, and dropped or taken back.
 * Once it has stood for a while and no node holds a transaction in it, it is filled with a transfer of nothing to
 * oneself, durable before it is sent, under the ceilings of gas. What is in flight is left alone.
 */
export function createGapFiller(): GapFiller {
  const since = new Map<Nonce, number>();
  return {
    look: async (deps) => {
      if (deps.canSign === false) return;
      const gap = await gapBelow(deps);
      for (const nonce of since.keys()) if (!gap.has(nonce)) since.delete(nonce);
      if (gap.size === 0) return;
      const scanned = await deps.journal.cursor();
      const head = await deps.chain.head();
      // What the daemon has had mined since that block would be taken for a gap.
      const outdated = olderThanRead(head.number, scanned);
      if (outdated) throw outdated;
      // Another node than the one of that head may have counted.
      const mined = await deps.chain.minedNonce(deps.signer.address, head.number, head);
      for (const nonce of gap) if (nonce < mined) gap.delete(nonce);
      const now = deps.now();
      for (const nonce of gap) since.set(nonce, firstSeen(since.get(nonce), now));
      const ripe = [...gap].filter((nonce) => now - (since.get(nonce) ?? now) >= deps.rebroadcastAfterMs);
      if (ripe.length === 0) return;
      const pending = await deps.chain.pendingNonce(deps.signer.address);
      for (const nonce of ripe.filter((each) => each >= pending)) {
        since.set(nonce, now);
        await fill(deps, nonce);
      }
    },
  };
}

/** The lowest ones; however far the highest in flight is, no more nonces are looked at than are held, and these. */
async function gapBelow({ lane, chain, signer }: TrackDeps): Promise<Set<Nonce>> {
  const own = lane.inFlight();
  const held = new Set(own.map(({ confirmation }) => confirmation.nonce));
  const gap = new Set<Nonce>();
  const unmined = own.flatMap(({ confirmation: { mined, nonce } }) => (mined || nonce === undefined ? [] : [nonce]));
  const last = unmined.at(-1);
  if (last === undefined) return gap;
  const first = await chain.minedNonce(signer.address);
  for (let nonce: number = first; nonce < last && gap.size < mostTogether; nonce++) {
    if (!held.has(toNonce(nonce))) gap.add(toNonce(nonce));
  }
  return gap;
}

async function fill(deps: TrackDeps, nonce: Nonce): Promise<void> {
  const { chain, journal, signer, report } = deps;
  const before = (await journal.fillers(signer.address, nonce)).filter((filler) => filler.nonce === nonce).at(-1);
  const fresh = await signFiller(deps, nonce, before);
  if (fresh.type === "ceiling") {
    const behind = deps.lane.inFlight().find(({ confirmation }) => (confirmation.nonce ?? 0) > nonce);
    if (behind) tellCeiling(deps, behind.confirmation, fresh.cap);
  }
  const filler = fresh.type === "signed" ? fresh.filler : before;
  if (filler === undefined) return;
  const answer = await chain.broadcast(filler.raw);
  const kind = answer.ok ? "accepted" : classifyAnswer(answer.message, deps.answers);
  report({ type: "gap-filled", nonce, hash: filler.hash, answer: kind });
}

type Fresh =
  | { readonly type: "signed"; readonly filler: Filler }
  /** It would pass a ceiling. */
  | { readonly type: "ceiling"; readonly cap: string };

/** @param before What was signed for this nonce last. */
async function signFiller(deps: TrackDeps, nonce: Nonce, before: Filler | undefined): Promise<Fresh> {
  const { chain, journal, signer, chainId, guard, now } = deps;
  const current = await chain.fees();
  const last = before && readAttempt(before);
  const fees = last === undefined ? current : replacementFees(last.fees, current, deps.maxFeePerGas);
  if (fees === undefined || feeCap(fees) > deps.maxFeePerGas) return { type: "ceiling", cap: "sink.maxFeePerGas" };
  const call = transferOfNothing(signer.address, nonce, fees);
  const cost = maxCostOf(call);
  if (!(await guard.reserveGas(signer.address, nonce, cost))) return { type: "ceiling", cap: "guardrails.gasPerDay" };
  const filler: Filler = { ...(await signer.sign({ ...call, chainId })), nonce, signedAt: now() };
  await journal.recordFiller(signer.address, filler, cost, deps.fences?.());
  return { type: "signed", filler };
}
