import type { Filler } from "../journal/sinkJournal.ts";
import { type Nonce, toNonce } from "../protocol/brand.ts";
import { feeCap, replacementFees } from "./fees.ts";
import { classifyAnswer } from "./nodeErrors.ts";
import { readAttempt, transferOfNothing } from "./replace.ts";
import { maxCostOf } from "./signAttempts.ts";
import type { TrackDeps } from "./track.ts";

/** Looks for nonces below those in flight that nobody holds, and fills them. */
export type GapFiller = { readonly look: (deps: TrackDeps) => Promise<void> };

/** Filled in one look, at the most. */
const mostTogether = 16;

/**
 * A gap keeps everything above it from being mined: a stranger's transaction that was counted, and dropped or taken back.
 * Once it has stood for a while and no node holds a transaction in it, it is filled with a transfer of nothing to
 * oneself, durable before it is sent. What is in flight is left alone.
 */
export function createGapFiller(): GapFiller {
  const since = new Map<Nonce, number>();
  return {
    look: async (deps) => {
      if (deps.canSign === false) return;
      const gap = await gapBelow(deps);
      for (const nonce of since.keys()) if (!gap.includes(nonce)) since.delete(nonce);
      if (gap.length === 0) return;
      const now = deps.now();
      for (const nonce of gap) if (!since.has(nonce)) since.set(nonce, now);
      const ripe = gap.filter((nonce) => now - (since.get(nonce) ?? now) >= deps.rebroadcastAfterMs);
      if (ripe.length === 0) return;
      const pending = await deps.chain.pendingNonce(deps.signer.address);
      for (const nonce of ripe.filter((each) => each >= pending).slice(0, mostTogether)) {
        since.set(nonce, now);
        await fill(deps, nonce);
      }
    },
  };
}

async function gapBelow({ lane, chain, signer }: TrackDeps): Promise<readonly Nonce[]> {
  const own = lane.inFlight();
  const held = new Set(own.map(({ confirmation }) => confirmation.nonce));
  const unmined = own.flatMap(({ confirmation: { mined, nonce } }) => (mined || nonce === undefined ? [] : [nonce]));
  if (unmined.length === 0) return [];
  const first = await chain.minedNonce(signer.address);
  const last = unmined.reduce((a, b) => (a > b ? a : b));
  const gap: Nonce[] = [];
  for (let nonce: number = first; nonce < last; nonce++) if (!held.has(toNonce(nonce))) gap.push(toNonce(nonce));
  return gap;
}

async function fill(deps: TrackDeps, nonce: Nonce): Promise<void> {
  const { chain, journal, signer, chainId, report, guard, now } = deps;
  const before = (await journal.fillers(signer.address, nonce)).filter((filler) => filler.nonce === nonce).at(-1);
  const current = await chain.fees();
  const fees = before === undefined ? current : replacementFees(readAttempt(before).fees, current, deps.maxFeePerGas);
  let filler = before;
  if (fees !== undefined && feeCap(fees) <= deps.maxFeePerGas) {
    const call = transferOfNothing(signer.address, nonce, fees);
    const fresh: Filler = { ...(await signer.sign({ ...call, chainId })), nonce, signedAt: now() };
    await journal.recordFiller(signer.address, fresh, maxCostOf(call), deps.fences?.());
    await guard.chargeGas(signer.address, nonce, maxCostOf(call));
    filler = fresh;
  }
  if (filler === undefined) return;
  const answer = await chain.broadcast(filler.raw);
  const kind = answer.ok ? "accepted" : classifyAnswer(answer.message, deps.answers);
  report({ type: "gap-filled", nonce, hash: filler.hash, answer: kind });
}
