import { pricesKept } from "./policyJournal.ts";
import { all, run, statement, together, type Work } from "./work.ts";

export type PruneOrder = {
  /** Tasks that were noted as settled before it, in milliseconds since 1970. */
  readonly settledBefore: number;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Tasks at the most, so that no transaction takes long. */
  readonly limit: number;
};

/** Twice as long as the longest ceiling looks back: what was signed in that time counts for it, whatever the order says. */
const ceilingsLookBack = 2 * 86_400_000;

/**
 * Settled for long enough, with no confirmation that the sink or an operator still has to look at or a ceiling stands on,
 * and without the newest nonce of a key: by that one the next is taken.
 */
const prunable = `
  SELECT task FROM tasks t
  WHERE settled_since < ? AND state IN ('closed', 'ignored') AND pruned_at IS NULL
    AND NOT EXISTS (
      SELECT 1 FROM confirmations c WHERE c.task = t.task AND (
        c.state NOT IN ('final', 'superseded', 'rejected', 'cancelled')
        OR c.admitted_at >= ?
        OR EXISTS (SELECT 1 FROM nonces n WHERE n.confirmation_id = c.id
                   AND n.nonce = (SELECT max(m.nonce) FROM nonces m WHERE m.signer = n.signer))
        OR c.id = (SELECT max(id) FROM confirmations)))
    AND NOT EXISTS (SELECT 1 FROM verdicts v WHERE v.task = t.task AND v.id = (SELECT max(id) FROM verdicts))
  ORDER BY settled_since LIMIT ?`;

/**
 * Forgets the details of settled tasks: responses, verdicts with their facts, people's answers, confirmations, signed
 * bytes, nonces. What is left of each is one row, which says that it is settled: the journal neither opens it again nor
 * takes another confirmation for it. What policies know of a provider's past stays: its sums, and its newest prices.
 *
 * @returns how many tasks were pruned.
 */
export function* pruneSettled({ settledBefore, now, limit }: PruneOrder): Work<number> {
  const counting = now - ceilingsLookBack;
  const tasks = (yield* all(prunable, settledBefore, counting, limit)).map(({ task }) => task as string);
  const providers = new Set<string>();
  for (const task of tasks) {
    for (const provider of yield* keepPrices(task)) providers.add(provider);
    yield* together([
      statement.run(
        "UPDATE tasks SET pruned_at = ?, settled_since = NULL, seen_block = NULL, settled_block = NULL WHERE task = ?",
        now,
        task,
      ),
      ...removals.map((text) => statement.run(text, task)),
    ]);
  }
  for (const provider of providers) {
    yield* run(
      `DELETE FROM pruned_prices WHERE provider = ?1 AND verdict_id NOT IN (
         SELECT verdict_id FROM pruned_prices WHERE provider = ?1 ORDER BY verdict_id DESC LIMIT ?2)`,
      provider,
      pricesKept,
    );
  }
  yield* run(
    `DELETE FROM gas_costs WHERE at < ? AND NOT EXISTS (
       SELECT 1 FROM nonces n WHERE n.signer = gas_costs.signer AND n.nonce = gas_costs.nonce)`,
    Math.min(settledBefore, counting),
  );
  return tasks.length;
}

/** Keeps the prices of a task's approvals; answers their providers. */
function* keepPrices(task: string): Work<readonly string[]> {
  const kept = yield* all(
    `INSERT INTO pruned_prices (verdict_id, provider, payment)
     SELECT id, provider, payment FROM verdicts WHERE task = ? AND kind = 'confirm' AND provider IS NOT NULL
     ON CONFLICT (verdict_id) DO UPDATE SET provider = excluded.provider, payment = excluded.payment
     RETURNING provider`,
    task,
  );
  return kept.map(({ provider }) => provider as string);
}

/** In the order that the references between the tables ask for. */
const removals: readonly string[] = [
  "DELETE FROM held_answers WHERE task = ?",
  "DELETE FROM attempts WHERE confirmation_id IN (SELECT id FROM confirmations WHERE task = ?)",
  "DELETE FROM nonces WHERE confirmation_id IN (SELECT id FROM confirmations WHERE task = ?)",
  "DELETE FROM confirmations WHERE task = ?",
  "DELETE FROM verdict_facts WHERE verdict_id IN (SELECT id FROM verdicts WHERE task = ?)",
  "DELETE FROM verdicts WHERE task = ?",
  "DELETE FROM responses WHERE task = ?",
];
