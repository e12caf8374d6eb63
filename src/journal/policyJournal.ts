import { ConfigError } from "../errors.ts";
import type { ProviderHistory } from "../policy/policyPort.ts";
import type { AccountAddress, ResponseAddress, TaskAddress } from "../protocol/brand.ts";
import { wei } from "../protocol/brand.ts";
import type { ConfirmationState, Decision, VerdictRecord } from "./journal.ts";
import { type Row, toVerdictRecord } from "./rows.ts";
import { all, inStep, one, run, type Statement, type Store, statement, together, type Work } from "./work.ts";

/** A person's word on a response that a policy held. `expire` is a rejection for want of time. */
export type HeldAnswer = {
  /** The verdict `hold` that it answers. */
  readonly verdictId: number;
  readonly task: TaskAddress;
  readonly response: ResponseAddress;
  readonly kind: "approve" | "reject" | "expire";
  readonly who: string;
  readonly why: string;
};

/** A verdict with the facts that it was based on, and the transaction that it led to. */
export type RecordedDecision = VerdictRecord & {
  readonly factsDigest: string;
  /** `FactsJson`, as far as it was kept; empty where it was not. */
  readonly factsJson: string;
  /** Hash of the one that was mined for it, else of the newest that was signed; whether it paid, `confirmation` says. */
  readonly transaction: string | undefined;
  /** How it stands with the confirmation that it led to. */
  readonly confirmation: ConfirmationState | undefined;
};

/** What the policy room asks of the journal. Methods are transactions, as those of `Journal` are. */
export type PolicyJournal = {
  /** What was judged of these providers so far, shadow verdicts included; all of them are in the answer. */
  readonly providerHistory: (
    providers: readonly AccountAddress[],
  ) => Promise<ReadonlyMap<AccountAddress, ProviderHistory>>;
  readonly decision: (verdictId: number) => Promise<RecordedDecision | undefined>;
  /** The newest verdict on a response, `wait` included. */
  readonly decisionOf: (response: ResponseAddress) => Promise<RecordedDecision | undefined>;
  /** Every verdict on a task's responses, whatever its mode, the newest first; at most `limit`. */
  readonly decisionsOfTask: (task: TaskAddress, limit: number) => Promise<readonly RecordedDecision[]>;
  /**
   * Verdicts that were not `wait`, oldest first.
   *
   * @param since Milliseconds since 1970.
   * @param withWaits Also those that waited: of the losers of a comparison, nothing else says what they were.
   * @param page Those with a higher id than `after`, `limit` at the most. @default all
   */
  readonly decisions: (
    since: number,
    withWaits?: boolean,
    page?: { readonly after: number; readonly limit: number },
  ) => Promise<readonly RecordedDecision[]>;
  /** Responses that wait for a person, oldest first: of open tasks that nothing else has settled. */
  readonly held: () => Promise<readonly VerdictRecord[]>;
  /**
   * Takes a person's word, once; the daemon carries it out.
   * @throws ConfigError `NOT_HELD` if the verdict is not one of `held`, or was answered before.
   */
  readonly answerHeld: (answer: Pick<HeldAnswer, "verdictId" | "kind" | "who" | "why">, at: number) => Promise<void>;
  /** Open tasks with an answer that was not carried out yet, and that no confirmation holds. */
  readonly answeredTasks: () => Promise<readonly TaskAddress[]>;
};

const heldVerdicts = `
  SELECT v.*, 0 AS waits FROM tasks t CROSS JOIN verdicts v
  WHERE v.task = t.task AND v.kind = 'hold' AND t.state = 'open'
    AND v.id = (SELECT max(w.id) FROM verdicts w WHERE w.task = v.task AND w.response = v.response)
    AND NOT EXISTS (SELECT 1 FROM confirmations c WHERE c.task = v.task AND c.state NOT IN ('rejected', 'cancelled'))
    AND NOT EXISTS (SELECT 1 FROM held_answers a WHERE a.verdict_id = v.id)`;

const recordedDecisions = `
  SELECT v.*, 0 AS waits, f.json AS facts_json, c.state AS confirmation_state, coalesce(c.mined_hash,
      (SELECT a.hash FROM attempts a WHERE a.confirmation_id = c.id ORDER BY a.ordinal DESC LIMIT 1)) AS hash
  FROM verdicts v LEFT JOIN verdict_facts f ON f.verdict_id = v.id LEFT JOIN confirmations c ON c.verdict_id = v.id`;

/** Approved prices that the mean is taken over: the newest. */
export const pricesKept = 100;

const historyStatements = (provider: AccountAddress): readonly Statement[] => [
  // A trigger counts each verdict as it comes. What was pruned stays in the sums: policies judge by it.
  statement.one("SELECT * FROM provider_histories WHERE provider = ?", provider),
  // Each by its index, from its end: PostgreSQL would sort both as a whole.
  statement.all(
    "SELECT id, payment FROM verdicts WHERE provider = ? AND kind = 'confirm' ORDER BY id DESC LIMIT ?",
    provider,
    pricesKept,
  ),
  statement.all(
    "SELECT verdict_id AS id, payment FROM pruned_prices WHERE provider = ? ORDER BY verdict_id DESC LIMIT ?",
    provider,
    pricesKept,
  ),
];

function* historyOf(provider: AccountAddress): Work<ProviderHistory> {
  const [counts, ...priced] = yield* together<unknown>(historyStatements(provider));
  const newest = (priced as readonly (readonly Row[])[]).flat().sort((a, b) => Number(b.id) - Number(a.id));
  const prices = newest.slice(0, pricesKept).map(({ payment }) => BigInt(payment as string));
  const sum = prices.reduce((total, price) => total + price, 0n);
  const count = (name: "seen" | "approved" | "rejected") => Number((counts as Row | undefined)?.[name] ?? 0);
  return {
    seen: count("seen"),
    approved: count("approved"),
    rejected: count("rejected"),
    price: wei(prices.length === 0 ? 0n : sum / BigInt(prices.length)),
  };
}

export function policyJournal({ read, write }: Store): PolicyJournal {
  return {
    providerHistory: (providers) =>
      read(function* () {
        const histories = yield* inStep(providers.map(historyOf));
        return new Map(providers.map((provider, index) => [provider, histories[index] as ProviderHistory]));
      }),

    decision: (verdictId) =>
      read(function* () {
        const row = yield* one(`${recordedDecisions} WHERE v.id = ?`, verdictId);
        return row && toRecordedDecision(row);
      }),

    decisionOf: (response) =>
      read(function* () {
        const row = yield* one(`${recordedDecisions} WHERE v.response = ? ORDER BY v.id DESC LIMIT 1`, response);
        return row && toRecordedDecision(row);
      }),

    decisionsOfTask: (task, limit) =>
      read(function* () {
        const rows = yield* all(`${recordedDecisions} WHERE v.task = ? ORDER BY v.id DESC LIMIT ?`, task, limit);
        return rows.map(toRecordedDecision);
      }),

    decisions: (since, withWaits = false, { after, limit } = { after: 0, limit: Number.MAX_SAFE_INTEGER }) =>
      read(function* () {
        const kinds = withWaits ? "" : "v.kind <> 'wait' AND ";
        // By the index of times each page would sort all that is left.
        const wanted = `${kinds}v.id > ? AND +v.decided_at >= ? ORDER BY v.id LIMIT ?`;
        const rows = yield* all(`${recordedDecisions} WHERE ${wanted}`, after, since, limit);
        return rows.map(toRecordedDecision);
      }),

    held: () =>
      read(function* () {
        return (yield* all(`${heldVerdicts} ORDER BY v.id`)).map(toVerdictRecord);
      }),

    answerHeld: ({ verdictId, kind, who, why }, at) =>
      write(function* () {
        const row = yield* one(`${heldVerdicts} AND v.id = ?`, verdictId);
        if (!row) {
          throw new ConfigError(`${verdictId} is not held: it was answered, or settled otherwise, or never held`, {
            code: "NOT_HELD",
            remedy: "see ogpu-confirmd held list",
          });
        }
        yield* run(
          "INSERT INTO held_answers (verdict_id, task, response, kind, who, why, answered_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
          ...[verdictId, row.task as string, row.response as string, kind, who, why, at],
        );
      }),

    answeredTasks: () =>
      read(function* () {
        const rows = yield* all(`
          SELECT DISTINCT a.task FROM held_answers a JOIN tasks t ON t.task = a.task
          WHERE a.applied_by IS NULL AND t.state = 'open'
            AND NOT EXISTS (
              SELECT 1 FROM confirmations c WHERE c.task = a.task AND c.state NOT IN ('rejected', 'cancelled'))`);
        return rows.map(({ task }) => task as TaskAddress);
      }),
  };
}

/** The answers of a task that were not carried out yet. */
export const openAnswers = (task: TaskAddress): Statement =>
  statement.all("SELECT * FROM held_answers WHERE task = ? AND applied_by IS NULL ORDER BY verdict_id", task);

export const toHeldAnswer = (row: Row): HeldAnswer => ({
  verdictId: Number(row.verdict_id),
  task: row.task as TaskAddress,
  response: row.response as ResponseAddress,
  kind: row.kind as HeldAnswer["kind"],
  who: row.who as string,
  why: row.why as string,
});

/** Stores what a verdict was based on, and that it carries out a person's answer. */
export function* recordBasis(verdictId: number, decision: Decision): Work<void> {
  const { kind, facts, answers, waitsFor } = decision;
  if (facts && (kind !== "wait" || waitsFor === "window")) {
    yield* run("INSERT INTO verdict_facts (verdict_id, json) VALUES (?, ?)", verdictId, facts.json);
  }
  if (answers !== undefined) {
    yield* run("UPDATE held_answers SET applied_by = ? WHERE verdict_id = ?", verdictId, answers);
  }
}

const toRecordedDecision = (row: Row): RecordedDecision => ({
  ...toVerdictRecord(row),
  factsDigest: row.facts_digest as string,
  factsJson: (row.facts_json as string | null) ?? "",
  transaction: (row.hash as string | null) ?? undefined,
  confirmation: (row.confirmation_state as ConfirmationState | null) ?? undefined,
});
