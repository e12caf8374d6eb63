import type { StatementSync } from "node:sqlite";
import { pricesKept } from "./policyJournal.ts";

export type PruneOrder = {
  /** Tasks that were noted as settled before it, in milliseconds since 1970. */
  readonly settledBefore: number;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Tasks at the most, so that no transaction takes long. */
  readonly limit: number;
};

type Sql = (text: string) => StatementSync;

/**
 * Settled for long enough, with no confirmation that the sink or an operator still has to look at, and without the
 * newest nonce of a key: by that one the next is taken.
 */
const prunable = `
  SELECT task FROM tasks t
  WHERE settled_since < ? AND state IN ('closed', 'ignored') AND pruned_at IS NULL
    AND NOT EXISTS (
      SELECT 1 FROM confirmations c WHERE c.task = t.task AND (
        c.state NOT IN ('final', 'superseded', 'rejected', 'cancelled')
        OR EXISTS (SELECT 1 FROM nonces n WHERE n.confirmation_id = c.id
                   AND n.nonce = (SELECT max(m.nonce) FROM nonces m WHERE m.signer = n.signer))))
  ORDER BY settled_since LIMIT ?`;

/**
 * Forgets the details of settled tasks: responses, verdicts with their facts, people's answers, confirmations, signed
 * bytes, nonces. What is left of each is one row, which says that it is settled: the journal neither opens it again nor
 * takes another confirmation for it. What policies know of a provider's past is kept as sums and newest prices.
 *
 * @returns how many tasks were pruned.
 */
export function pruneSettled(sql: Sql, { settledBefore, now, limit }: PruneOrder): number {
  const tasks = sql(prunable)
    .all(settledBefore, limit)
    .map(({ task }) => task as string);
  const providers = new Set<string>();
  for (const task of tasks) {
    for (const provider of keepHistory(sql, task)) providers.add(provider);
    sql(`UPDATE tasks SET pruned_at = ?, settled_since = NULL, seen_block = NULL, settled_block = NULL
         WHERE task = ?`).run(now, task);
    for (const text of removals) sql(text).run(task);
  }
  for (const provider of providers) {
    sql(`DELETE FROM pruned_prices WHERE provider = ?1 AND verdict_id NOT IN (
           SELECT verdict_id FROM pruned_prices WHERE provider = ?1 ORDER BY verdict_id DESC LIMIT ?2)`).run(
      provider,
      pricesKept,
    );
  }
  sql(`DELETE FROM gas_costs WHERE at < ? AND NOT EXISTS (
         SELECT 1 FROM nonces n WHERE n.signer = gas_costs.signer AND n.nonce = gas_costs.nonce)`).run(settledBefore);
  return tasks.length;
}

/** Adds a task's verdicts to the sums of its providers; answers them. */
function keepHistory(sql: Sql, task: string): readonly string[] {
  sql(`INSERT INTO pruned_prices (verdict_id, provider, payment)
       SELECT id, provider, payment FROM verdicts WHERE task = ? AND kind = 'confirm' AND provider IS NOT NULL`).run(
    task,
  );
  const sums = sql(`
    SELECT provider, count(DISTINCT response) AS seen,
      count(DISTINCT CASE kind WHEN 'confirm' THEN response END) AS approved,
      count(DISTINCT CASE kind WHEN 'reject' THEN response END) AS rejected
    FROM verdicts WHERE task = ? AND kind <> 'wait' AND provider IS NOT NULL GROUP BY provider`).all(task);
  for (const { provider, seen, approved, rejected } of sums as Record<string, string | number>[]) {
    sql(`INSERT INTO pruned_histories (provider, seen, approved, rejected) VALUES (?, ?, ?, ?)
         ON CONFLICT (provider) DO UPDATE SET seen = seen + excluded.seen,
           approved = approved + excluded.approved, rejected = rejected + excluded.rejected`).run(
      provider as string,
      seen as number,
      approved as number,
      rejected as number,
    );
  }
  return sums.map(({ provider }) => provider as string);
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
