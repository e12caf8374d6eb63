import { FatalError } from "../errors.ts";
import { toNonce } from "../protocol/brand.ts";
import type { Confirmation, ConfirmationChange, Decision, Journal, NewAttempt } from "./journal.ts";
import { type CheckFence, fenceCheck } from "./leaseJournal.ts";
import { recordBasis } from "./policyJournal.ts";
import { type Row, toAttempt, toConfirmation } from "./rows.ts";
import { reserveGas, settleGas, writeMeta } from "./sinkJournal.ts";
import { all, type Durability, inStep, one, run, type Store, statement, together, type Work } from "./work.ts";

type ConfirmationJournal = Pick<
  Journal,
  | "decide"
  | "confirmation"
  | "unsettled"
  | "highestNonce"
  | "recordAttempt"
  | "recordAttempts"
  | "changeConfirmation"
  | "changeConfirmations"
  | "markBroadcast"
  | "touch"
>;

const attemptsOf = (id: number) =>
  statement.all("SELECT * FROM attempts WHERE confirmation_id = ? ORDER BY ordinal", id);

/** A row of `confirmations`, with its attempts. */
export function* confirmationOf(row: Row): Work<Confirmation> {
  const [attempts = []] = yield* together<readonly Row[]>([attemptsOf(Number(row.id))]);
  return toConfirmation(row, attempts.map(toAttempt));
}

function* findConfirmation(id: number): Work<Confirmation | undefined> {
  const [rows = [], attempts = []] = yield* together<readonly Row[]>([
    statement.all("SELECT * FROM confirmations WHERE id = ?", id),
    attemptsOf(id),
  ]);
  return rows[0] && toConfirmation(rows[0], attempts.map(toAttempt));
}

function* confirmationById(id: number): Work<Confirmation> {
  const found = yield* findConfirmation(id);
  if (!found) throw new FatalError(`the journal has no confirmation ${id}`, { code: "JOURNAL_INCONSISTENT" });
  return found;
}

/** What is in flight is its key's: whoever does not hold the key changes nothing about it. */
function* checkHolder({ state, attempts }: Confirmation, check: CheckFence): Work<void> {
  const signer = attempts.at(-1)?.signer;
  const isInFlight = state === "signed" || state === "broadcast" || state === "mined";
  if (isInFlight && signer !== undefined) yield* check(signer);
}

function* recordAttempt({ confirmationId: id, signer, attempt }: NewAttempt, check: CheckFence): Work<Confirmation> {
  const { kind, hash, raw, nonce, signedAt, maxCost } = attempt;
  yield* check(signer);
  const before = yield* confirmationById(id);
  const holder = before.attempts.at(-1)?.signer;
  if (before.state !== "intended" && holder !== undefined && holder !== signer) {
    throw new FatalError(`confirmation ${id} is signed by ${holder}: a signature by ${signer} would pay twice`, {
      code: "NONCE_CONFLICT",
    });
  }
  if (before.state !== "intended" && before.nonce !== nonce) {
    throw new FatalError(`confirmation ${id} holds nonce ${before.nonce}: nonce ${nonce} would pay twice`, {
      code: "NONCE_CONFLICT",
    });
  }
  const isTaken = yield* run(
    "INSERT INTO nonces (signer, nonce, confirmation_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
    ...[signer, nonce, id],
  );
  if (!isTaken) {
    const owner = yield* one("SELECT confirmation_id FROM nonces WHERE signer = ? AND nonce = ?", signer, nonce);
    if (owner?.confirmation_id !== id) {
      throw new FatalError(`nonce ${nonce} of ${signer} belongs to confirmation ${owner?.confirmation_id}`, {
        code: "NONCE_CONFLICT",
      });
    }
  }
  yield* together([
    statement.run(
      "INSERT INTO attempts (hash, confirmation_id, ordinal, kind, nonce, raw, signed_at, signer) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      ...[hash, id, before.attempts.length, kind, nonce, raw, signedAt, signer],
    ),
    ...(maxCost === undefined ? [] : [reserveGas(signer, nonce, maxCost, signedAt)]),
    before.state === "intended"
      ? statement.run(
          "UPDATE confirmations SET state = 'signed', nonce = ?, reason = '', admitted_at = ? WHERE id = ?",
          ...[nonce, signedAt, id],
        )
      : statement.run("UPDATE confirmations SET state = 'signed', nonce = ?, reason = '' WHERE id = ?", nonce, id),
  ]);
  const { maxCost: _, ...stored } = attempt;
  return { ...before, state: "signed", nonce, reason: "", attempts: [...before.attempts, { ...stored, signer }] };
}

function* changeConfirmation(
  id: number,
  { state, reason = "", mined, gasPaid }: ConfirmationChange,
  check: CheckFence,
): Work<Confirmation> {
  const before = yield* confirmationById(id);
  yield* checkHolder(before, check);
  yield* run(
    "UPDATE confirmations SET state = ?, reason = ?, mined_hash = ?, mined_block = ? WHERE id = ?",
    ...[state, reason, mined?.hash ?? null, mined?.blockNumber ?? null, id],
  );
  if (gasPaid) yield settleGas(gasPaid.signer, gasPaid.nonce, gasPaid.cost);
  if (state === "final" || state === "superseded") {
    yield* run("UPDATE tasks SET state = 'closed', reason = ? WHERE task = ?", state, before.task);
  }
  return { ...before, state, reason, mined };
}

function* markBroadcast(id: number, check: CheckFence): Work<Confirmation | undefined> {
  const before = yield* findConfirmation(id);
  if (before === undefined) return undefined;
  yield* checkHolder(before, check);
  if (before.state !== "signed") return undefined;
  yield* run("UPDATE confirmations SET state = 'broadcast' WHERE id = ?", id);
  return { ...before, state: "broadcast" };
}

/** Works on confirmations in step where each has one of its own, else one after the other. */
function* each<T>(ids: readonly number[], works: readonly Work<T>[]): Work<readonly T[]> {
  if (new Set(ids).size === ids.length) return yield* inStep(works);
  const results: T[] = [];
  for (const work of works) results.push(yield* work);
  return results;
}

function* decide(decisions: readonly Decision[], decidedAt: number): Work<Confirmation | undefined> {
  let intent: Confirmation | undefined;
  for (const decision of decisions) {
    const { task, response, payment, offered, responseDigest } = decision;
    const verdict = yield* one(
      `INSERT INTO verdicts (task, response, kind, reason, until, policy, policy_digest, mode, block_number, block_hash,
         payload_digest, payment, response_digest, provider, waits_for, facts_digest, decided_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
      task,
      response,
      decision.kind,
      decision.reason,
      decision.until ?? null,
      decision.policy,
      decision.policyDigest,
      decision.mode,
      decision.block.number,
      decision.block.hash,
      decision.payloadDigest,
      String(payment),
      responseDigest,
      decision.provider ?? null,
      decision.waitsFor ?? null,
      decision.facts?.digest ?? "",
      decidedAt,
    );
    const verdictId = Number(verdict?.id);
    yield* recordBasis(verdictId, decision);
    if (!isIntent(decision)) continue;
    const made = yield* one(
      `INSERT INTO confirmations (task, response, verdict_id, payment, offered, response_digest)
       VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id`,
      ...[task, response, verdictId, String(payment), offered === undefined ? null : String(offered), responseDigest],
    );
    if (!made) continue;
    intent = {
      ...{ id: Number(made.id), task, response, verdictId, payment, responseDigest, state: "intended", reason: "" },
      ...(offered !== undefined && { offered }),
      ...{ nonce: undefined, mined: undefined, attempts: [] },
    };
  }
  return intent;
}

/** What it leads to is signed next, and durable with that before anybody hears of it. */
const isIntent = ({ kind, mode }: Decision): boolean => kind === "confirm" && mode === "enforce";

/** Where a transaction stands is read again; that its nonce is given up is not. */
const durabilityOf = ({ state }: ConfirmationChange): Durability =>
  state === "broadcast" || state === "mined" || state === "final" ? "with the next" : "now";

/** What is decided, and what is signed for it. */
export function confirmationJournal({ read, write }: Store): ConfirmationJournal {
  return {
    decide: (decisions, decidedAt) =>
      write(() => decide(decisions, decidedAt), decisions.some(isIntent) ? "with the next" : "now"),

    confirmation: (id) => read(() => confirmationById(id)),

    unsettled: () =>
      read(function* () {
        const unsettled =
          "SELECT * FROM confirmations WHERE state IN ('intended', 'signed', 'broadcast', 'mined') ORDER BY id";
        const rows = yield* all(unsettled);
        const attempts = yield* together<readonly Row[]>(rows.map(({ id }) => attemptsOf(Number(id))));
        return rows.map((row, index) => toConfirmation(row, (attempts[index] ?? []).map(toAttempt)));
      }),

    highestNonce: (signer) =>
      read(function* () {
        const row = yield* one("SELECT max(nonce) AS nonce FROM nonces WHERE signer = ?", signer);
        return row?.nonce == null ? undefined : toNonce(Number(row.nonce));
      }),

    recordAttempt: (confirmationId, signer, attempt, fences = []) =>
      write(() => recordAttempt({ confirmationId, signer, attempt }, fenceCheck(fences))),
    recordAttempts: (attempts, fences = []) =>
      write(function* () {
        const check = fenceCheck(fences);
        for (const signer of new Set(attempts.map((made) => made.signer))) yield* check(signer);
        return yield* each(
          attempts.map(({ confirmationId }) => confirmationId),
          attempts.map((made) => recordAttempt(made, check)),
        );
      }),

    changeConfirmation: (id, change, fences = []) =>
      write(() => changeConfirmation(id, change, fenceCheck(fences)), durabilityOf(change)),
    changeConfirmations: (changes, fences = []) =>
      write(
        function* () {
          const check = fenceCheck(fences);
          return yield* each(
            changes.map(({ id }) => id),
            changes.map(({ id, change }) => changeConfirmation(id, change, check)),
          );
        },
        changes.every(({ change }) => durabilityOf(change) === "with the next") ? "with the next" : "now",
      ),
    markBroadcast: (ids, fences = []) =>
      write(function* () {
        const check = fenceCheck(fences);
        const marked = yield* each(
          ids,
          ids.map((id) => markBroadcast(id, check)),
        );
        return marked.filter((confirmation) => confirmation !== undefined);
      }, "with the next"),

    touch: (now) => write(() => writeMeta("touched", String(now))),
  };
}
