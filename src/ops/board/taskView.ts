import type { Journal } from "../../journal/journal.ts";
import type { RecordedDecision } from "../../journal/policyJournal.ts";
import { checksummed, type TaskAddress } from "../../protocol/brand.ts";
import { shownFacts } from "./shownFacts.ts";

const mostVerdicts = 200;

/** A task with everything that was decided about it; `undefined` where the journal does not know it. */
export async function taskView(journal: Pick<Journal, "task" | "decisionsOfTask">, address: TaskAddress) {
  const record = await journal.task(address);
  if (record === undefined) return undefined;
  const { confirmation } = record;
  return {
    task: checksummed(address),
    source: checksummed(record.source),
    state: record.state,
    reason: record.reason,
    responses: record.responses.map(checksummed),
    confirmation: confirmation && {
      id: confirmation.id,
      response: checksummed(confirmation.response),
      state: confirmation.state,
      reason: confirmation.reason,
      payment: String(confirmation.payment),
      offered: confirmation.offered === undefined ? null : String(confirmation.offered),
      nonce: confirmation.nonce ?? null,
      mined: confirmation.mined && { hash: confirmation.mined.hash, block: String(confirmation.mined.blockNumber) },
      attempts: confirmation.attempts.map(({ kind, hash, nonce, signedAt }) => ({ kind, hash, nonce, signedAt })),
    },
    /** What people said and nobody carried out yet. */
    answers: record.answers.map(({ response, kind, who, why }) => ({
      response: checksummed(response),
      kind,
      who,
      why,
    })),
    verdicts: (await journal.decisionsOfTask(address, mostVerdicts)).map(verdictView),
  };
}

/** A verdict with what it was based on. */
const verdictView = (verdict: RecordedDecision) => ({
  id: verdict.id,
  at: verdict.decidedAt,
  response: checksummed(verdict.response),
  provider: verdict.provider === undefined ? null : checksummed(verdict.provider),
  kind: verdict.kind,
  reason: verdict.reason,
  until: verdict.until ?? null,
  policy: verdict.policy,
  policyDigest: verdict.policyDigest,
  mode: verdict.mode,
  payment: String(verdict.payment),
  block: { number: String(verdict.block.number), hash: verdict.block.hash },
  payloadDigest: verdict.payloadDigest,
  factsDigest: verdict.factsDigest,
  facts: shownFacts(verdict.factsJson),
  transaction: verdict.transaction ?? null,
});
