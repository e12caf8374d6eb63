import { ConfigError, FatalError, RetryableError } from "../errors.ts";
import { type AccountAddress, toNonce } from "../protocol/brand.ts";
import { checkFree, checkHolder, checkNotPaused } from "./checkAttempt.ts";
import { confirmationsById, unsettledConfirmations } from "./confirmationRows.ts";
import { allIn, insertAll, updateAll } from "./groups.ts";
import { asVanished } from "./intakeJournal.ts";
import {
  type Confirmation,
  type ConfirmationChange,
  type Decision,
  isInFlight,
  type Journal,
  type NewAttempt,
} from "./journal.ts";
import { type CheckFence, fenceCheck } from "./leaseJournal.ts";
import { recordBasis } from "./policyJournal.ts";
import type { Row } from "./rows.ts";
import { countOutcomes, reserveGas, settleGas, writeMeta } from "./sinkJournal.ts";
import { type Durability, one, type Store, together, type Work } from "./work.ts";

type ConfirmationJournal = Pick<
  Journal,
  | "decide"
  | "confirmation"
  | "confirmations"
  | "unsettled"
  | "highestNonce"
  | "recordAttempt"
  | "recordAttempts"
  | "recordByHand"
  | "changeConfirmation"
  | "changeConfirmations"
  | "markBroadcast"
  | "touch"
>;

/** Gives the nonces to the confirmations. @throws FatalError `NONCE_CONFLICT` if one belongs to another. */
function* takeNonces(attempts: readonly NewAttempt[]): Work<void> {
  const rows = attempts.map(
    ({ confirmationId, signer, attempt: { nonce } }) => [signer, nonce, confirmationId] as const,
  );
  const taken = yield* together<number>(
    insertAll("INSERT INTO nonces (signer, nonce, confirmation_id)", rows, "ON CONFLICT DO NOTHING"),
  );
  if (taken.reduce((sum, count) => sum + Number(count), 0) === rows.length) return;
  for (const [signer, nonce, id] of rows) {
    const owner = yield* one("SELECT confirmation_id FROM nonces WHERE signer = ? AND nonce = ?", signer, nonce);
    if (owner?.confirmation_id !== id) {
      throw new FatalError(`nonce ${nonce} of ${signer} belongs to confirmation ${owner?.confirmation_id}`, {
        code: "NONCE_CONFLICT",
      });
    }
  }
}

/** @param made One of each confirmation at the most. */
function* recordAttempts(made: readonly NewAttempt[], check: CheckFence): Work<readonly Confirmation[]> {
  for (const { signer } of made) yield* check(signer);
  const before = yield* confirmationsById(made.map(({ confirmationId }) => confirmationId));
  for (const [index, confirmation] of before.entries()) checkFree(confirmation, made[index] as NewAttempt);
  yield* checkNotPaused(before);
  yield* takeNonces(made);
  const written = made.map(({ confirmationId: id, signer, attempt, reason = "" }, index) => {
    const { kind, hash, raw, nonce, signedAt, maxCost } = attempt;
    const { attempts, state } = before[index] as Confirmation;
    return {
      attempt: [hash, id, attempts.length, kind, nonce, raw, signedAt, signer],
      gas: maxCost === undefined ? [] : [{ signer, nonce, cost: maxCost, at: signedAt }],
      state: [id, nonce, state === "intended" ? signedAt : null, reason],
    } as const;
  });
  yield* together([
    ...insertAll(
      "INSERT INTO attempts (hash, confirmation_id, ordinal, kind, nonce, raw, signed_at, signer)",
      written.map(({ attempt }) => attempt),
    ),
    ...reserveGas(written.flatMap(({ gas }) => gas)),
    ...updateAll(
      "UPDATE confirmations SET state = 'signed', nonce = given.column2, admitted_at = coalesce(given.column3, admitted_at), reason = given.column4",
      "id = given.column1",
      ["BIGINT", "BIGINT", "BIGINT", "TEXT"],
      written.map(({ state }) => state),
    ),
  ]);
  return before.map((confirmation, index) => {
    const { signer, attempt, reason = "" } = made[index] as NewAttempt;
    const { maxCost: _, ...stored } = attempt;
    const attempts = [...confirmation.attempts, { ...stored, signer }];
    return { ...confirmation, state: "signed", nonce: attempt.nonce, reason, attempts };
  });
}

type Change = { readonly id: number; readonly change: ConfirmationChange };

/** @param changes One of each confirmation at the most. */
function* changeConfirmations(changes: readonly Change[], check: CheckFence): Work<readonly Confirmation[]> {
  const before = yield* confirmationsById(changes.map(({ id }) => id));
  for (const confirmation of before) yield* checkHolder(confirmation, check);
  const closed = changes.flatMap(({ change: { state } }, index) =>
    state === "final" || state === "superseded" ? [[(before[index] as Confirmation).task, state] as const] : [],
  );
  const vanished = changes.flatMap(({ change: { withoutTask } }, index) =>
    withoutTask === undefined ? [] : [[(before[index] as Confirmation).task, withoutTask] as const],
  );
  yield* together([
    ...updateAll(
      "UPDATE confirmations SET state = given.column2, reason = given.column3, mined_hash = given.column4, mined_block = given.column5",
      "id = given.column1",
      ["BIGINT", "TEXT", "TEXT", "TEXT", "BIGINT"],
      changes.map(({ id, change: { state, reason = "", mined } }) => {
        return [id, state, reason, mined?.hash ?? null, mined?.blockNumber ?? null];
      }),
    ),
    ...settleGas(changes.flatMap(({ change: { gasPaid } }) => gasPaid ?? [])),
    ...updateAll(
      "UPDATE tasks SET state = 'closed', reason = given.column2",
      "task = given.column1",
      ["TEXT", "TEXT"],
      closed,
    ),
    ...updateAll(
      `UPDATE tasks SET ${asVanished}`,
      "task = given.column1 AND state = 'open' AND (seen_block IS NULL OR seen_block <= given.column2)",
      ["TEXT", "BIGINT"],
      vanished,
    ),
  ]);
  // What nobody heard of may be stored once more: it was in flight the first time alone.
  yield* countOutcomes(
    changes.flatMap(({ change: { outcome } }, index) =>
      outcome !== undefined && isInFlight((before[index] as Confirmation).state) ? [outcome] : [],
    ),
  );
  return before.map((confirmation, index) => {
    const { state, reason = "", mined } = (changes[index] as Change).change;
    return { ...confirmation, state, reason, mined };
  });
}

function* markBroadcast(ids: readonly number[], check: CheckFence): Work<void> {
  const marked = yield* together<readonly Row[]>(
    allIn(
      "UPDATE confirmations SET state = 'broadcast' WHERE state = 'signed' AND id",
      ids,
      `RETURNING (
         SELECT signer FROM attempts WHERE confirmation_id = confirmations.id ORDER BY ordinal DESC LIMIT 1
       ) AS signer`,
    ),
  );
  // The one who may not write changed nothing: what is thrown takes it back.
  const signers = new Set(marked.flat().map((row) => row.signer as AccountAddress | null));
  for (const signer of signers) if (signer !== null) yield* check(signer);
}

/** Works on confirmations together where each is there once, else on one after the other. */
function* inOneGo<In, Out>(
  items: readonly In[],
  idOf: (item: In) => number,
  work: (items: readonly In[]) => Work<readonly Out[]>,
): Work<readonly Out[]> {
  if (new Set(items.map(idOf)).size === items.length) return yield* work(items);
  const results: Out[] = [];
  for (const item of items) results.push(...(yield* work([item])));
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
    if (!made) {
      if (decision.answers === undefined) continue;
      // What is thrown takes all of it back: the approval would be used up, and nobody would be paid for it.
      throw new RetryableError(`a confirmation holds the task ${task} in the journal: an approval waits`, {
        code: "TASK_HELD",
      });
    }
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

    confirmation: (id) =>
      read(function* () {
        const [confirmation] = yield* confirmationsById([id]);
        return confirmation as Confirmation;
      }),
    confirmations: (ids) => read(() => confirmationsById(ids)),

    unsettled: () => read(unsettledConfirmations),

    highestNonce: (signer) =>
      read(function* () {
        const row = yield* one("SELECT max(nonce) AS nonce FROM nonces WHERE signer = ?", signer);
        return row?.nonce == null ? undefined : toNonce(Number(row.nonce));
      }),

    recordAttempt: (confirmationId, signer, attempt, fences = []) =>
      write(function* () {
        const [signed] = yield* recordAttempts([{ confirmationId, signer, attempt }], fenceCheck(fences));
        return signed as Confirmation;
      }),
    recordAttempts: (attempts, fences = []) =>
      write(() =>
        inOneGo(
          attempts,
          ({ confirmationId }) => confirmationId,
          (some) => recordAttempts(some, fenceCheck(fences)),
        ),
      ),

    recordByHand: (decision, signer, attempt, decidedAt, fences = []) =>
      write(function* () {
        const intent = yield* decide([decision], decidedAt);
        // What is thrown takes the verdict back: it would settle the response, and nothing would pay it.
        if (intent === undefined) {
          throw new ConfigError(`a confirmation holds the task ${decision.task} in the journal: nothing was recorded`, {
            code: "ALREADY_SENT",
            remedy: "start the daemon, which finishes it; a task is paid once",
          });
        }
        const [signed] = yield* recordAttempts([{ confirmationId: intent.id, signer, attempt }], fenceCheck(fences));
        return signed as Confirmation;
      }),

    changeConfirmation: (id, change, fences = []) =>
      write(function* () {
        const [changed] = yield* changeConfirmations([{ id, change }], fenceCheck(fences));
        return changed as Confirmation;
      }, durabilityOf(change)),
    changeConfirmations: (changes, fences = []) =>
      write(
        () =>
          inOneGo(
            changes,
            ({ id }) => id,
            (some) => changeConfirmations(some, fenceCheck(fences)),
          ),
        changes.every(({ change }) => durabilityOf(change) === "with the next") ? "with the next" : "now",
      ),
    markBroadcast: (ids, fences = []) => write(() => markBroadcast(ids, fenceCheck(fences)), "with the next"),

    touch: (now) => write(() => writeMeta("touched", String(now))),
  };
}
