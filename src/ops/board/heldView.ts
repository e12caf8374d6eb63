import type { Journal } from "../../journal/journal.ts";
import { checksummed } from "../../protocol/brand.ts";

const most = 200;

/** Responses that wait for a person, oldest first; the first few, and how many there are. */
export async function heldView(journal: Pick<Journal, "held">) {
  const all = await journal.held();
  return {
    total: all.length,
    held: all.slice(0, most).map((verdict) => ({
      id: verdict.id,
      since: verdict.decidedAt,
      task: checksummed(verdict.task),
      response: checksummed(verdict.response),
      provider: verdict.provider === undefined ? null : checksummed(verdict.provider),
      payment: String(verdict.payment),
      policy: verdict.policy,
      policyDigest: verdict.policyDigest,
      mode: verdict.mode,
      reason: verdict.reason,
    })),
  };
}
