import type { AccountAddress, Hash, Hex, Nonce, Wei } from "../protocol/brand.ts";
import { toNonce, wei } from "../protocol/brand.ts";
import { allIn, insertAll, updateAll } from "./groups.ts";
import { type Fence, fenceCheck } from "./leaseJournal.ts";
import type { Row } from "./rows.ts";
import { all, one, run, type Statement, type Store, statement, together, type Work } from "./work.ts";

/** What one confirmation holds of the ceilings, from the moment that it was signed. */
export type MoneySpent = {
  readonly confirmationId: number;
  /** Milliseconds since 1970 when it was signed, in the nonce that it holds now. */
  readonly at: number;
  readonly payment: Wei;
  readonly policy: string;
  readonly provider: AccountAddress | undefined;
  /** Nothing becomes of it any more. */
  readonly isSettled: boolean;
};

/** What one nonce costs in gas: at the worst until it is final, then what it cost. */
export type GasSpent = {
  readonly signer: AccountAddress;
  readonly nonce: Nonce;
  readonly at: number;
  readonly cost: Wei;
  /** A confirmation that had it is settled. */
  readonly isSettled: boolean;
};

/** Part of a long answer: so many rows at the most, of what is no older than `since` (milliseconds since 1970). */
type Page<T> = { readonly since: number; readonly after: T | undefined; readonly limit: number };

/** Whose the verdict behind a confirmation was, and who is paid. */
export type Payee = { readonly policy: string; readonly provider: AccountAddress | undefined };

/** Nothing new is signed while it stands. */
export type Pause = {
  /** `operator`, or `reverts`: the circuit breaker. */
  readonly by: "operator" | "reverts";
  /** A person, or what stands for one. */
  readonly who: string;
  readonly why: string;
  /** Milliseconds since 1970. */
  readonly at: number;
};

/** A confirmation is final: it was paid, which begins the count of reverts in a row anew, or it reverted. */
export type Outcome = {
  readonly reverted: boolean;
  /** The pause that so many reverts in a row bring, where none stands. */
  readonly pauseAt?: (reverts: number) => Pause | undefined;
};

/** What was done about paying, and by whom. */
type PauseRecord = Pause & { readonly action: "pause" | "resume" };

/** A transfer of nothing to oneself, in a nonce that nobody holds and that keeps later ones from being mined. */
export type Filler = { readonly hash: Hash; readonly raw: Hex; readonly nonce: Nonce; readonly signedAt: number };

/** A confirmation that is final. */
type PaymentMade = {
  readonly id: number;
  /** Milliseconds since 1970 when it was signed. */
  readonly at: number;
  readonly payment: Wei;
  /** What the task offered, where that was kept. */
  readonly offered: Wei | undefined;
};

/** What the sink asks of the journal beside the confirmations. Methods are transactions, as those of `Journal` are. */
export type SinkJournal = {
  /** What counts against a ceiling, oldest first. */
  readonly moneySpent: (page: Page<MoneySpent>) => Promise<readonly MoneySpent[]>;
  /** What gas costs, oldest first. */
  readonly gasSpent: (page: Page<GasSpent>) => Promise<readonly GasSpent[]>;
  /** What was paid, finally: confirmations below an ID, the newest first, at most `limit`. */
  readonly payments: (below: number, limit: number) => Promise<readonly PaymentMade[]>;
  readonly payees: (confirmationIds: readonly number[]) => Promise<ReadonlyMap<number, Payee>>;
  readonly pause: () => Promise<Pause | undefined>;
  readonly setPause: (pause: Pause) => Promise<void>;
  /** Ends the pause, and forgets the reverts that were counted; answers whether there was one. */
  readonly endPause: (resume: Omit<Pause, "by">) => Promise<boolean>;
  /** What was paused and resumed, newest first. */
  readonly pauseHistory: (limit: number) => Promise<readonly PauseRecord[]>;
  /**
   * @param cost The most that it can cost in gas, wei.
   * @throws LeaseLostError if somebody else holds the key.
   */
  readonly recordFiller: (
    signer: AccountAddress,
    filler: Filler,
    cost: Wei,
    fences?: readonly Fence[],
  ) => Promise<void>;
  /** Fillers of a key at or above a nonce, oldest first. */
  readonly fillers: (signer: AccountAddress, from: Nonce) => Promise<readonly Filler[]>;
};

const dayMs = 24 * 3_600_000;
const settled: ReadonlySet<string> = new Set(["final", "superseded", "dead"]);

function* readMeta(key: string): Work<string | undefined> {
  return (yield* one("SELECT value FROM meta WHERE key = ?", key))?.value as string | undefined;
}

/** Sets a note of the journal's own; `undefined` takes it away. */
export function* writeMeta(key: string, value: string | undefined): Work<void> {
  if (value === undefined) yield* run("DELETE FROM meta WHERE key = ?", key);
  else {
    yield* run(
      "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
      key,
      value,
    );
  }
}

/** The pause that stands. */
export function* pauseNow(): Work<Pause | undefined> {
  const row = yield* one("SELECT * FROM pauses ORDER BY id DESC LIMIT 1");
  if (row?.action !== "pause") return undefined;
  const { action: _, ...pause } = toPauseRecord(row);
  return pause;
}

function* recordPause(action: PauseRecord["action"], { by, who, why, at }: Pause): Work<void> {
  yield* run("INSERT INTO pauses (action, by, who, why, at) VALUES (?, ?, ?, ?, ?)", action, by, who, why, at);
}

/** Counts final reverts in a row, in the order in which they come. */
export function* countOutcomes(outcomes: readonly Outcome[]): Work<void> {
  if (outcomes.length === 0) return;
  const before = Number((yield* readMeta("reverts")) ?? 0);
  let after = before;
  let pause: Pause | undefined;
  for (const { reverted, pauseAt } of outcomes) {
    after = reverted ? after + 1 : 0;
    if (reverted) pause ??= pauseAt?.(after);
  }
  if (after !== before) yield* writeMeta("reverts", after === 0 ? undefined : String(after));
  if (pause !== undefined && (yield* pauseNow()) === undefined) yield* recordPause("pause", pause);
}

export function sinkJournal({ read, write }: Store): SinkJournal {
  return {
    moneySpent: ({ since, after, limit }) =>
      read(function* () {
        const rows = yield* all(
          `SELECT c.id, c.admitted_at, c.payment, c.state, v.policy, v.provider
           FROM confirmations c JOIN verdicts v ON v.id = c.verdict_id
           WHERE c.admitted_at >= ?1 AND (c.admitted_at, c.id) > (?1, ?2) AND c.state NOT IN ('rejected', 'cancelled')
           ORDER BY c.admitted_at, c.id LIMIT ?3`,
          after?.at ?? since - 1,
          after?.confirmationId ?? Number.MAX_SAFE_INTEGER,
          limit,
        );
        return rows.map((row) => ({
          confirmationId: Number(row.id),
          at: Number(row.admitted_at),
          payment: wei(BigInt(row.payment as string)),
          ...toPayee(row),
          isSettled: settled.has(row.state as string),
        }));
      }),

    gasSpent: ({ since, after, limit }) =>
      read(function* () {
        const rows = yield* all(
          `SELECT g.*, EXISTS (
             SELECT 1 FROM nonces n JOIN confirmations c ON c.id = n.confirmation_id
             WHERE n.signer = g.signer AND n.nonce = g.nonce AND c.state IN ('final', 'superseded', 'cancelled', 'dead')
           ) AS settled
           FROM gas_costs g WHERE (g.at, g.signer, g.nonce) > (?, ?, ?) ORDER BY g.at, g.signer, g.nonce LIMIT ?`,
          after?.at ?? since,
          after?.signer ?? "",
          after?.nonce ?? 0,
          limit,
        );
        return rows.map((row) => ({
          signer: row.signer as AccountAddress,
          nonce: toNonce(Number(row.nonce)),
          at: Number(row.at),
          cost: wei(BigInt(row.wei as string)),
          isSettled: Boolean(row.settled),
        }));
      }),

    payments: (below, limit) =>
      read(function* () {
        const rows = yield* all(
          `SELECT id, admitted_at, payment, offered FROM confirmations
           WHERE id < ? AND state = 'final' AND admitted_at IS NOT NULL ORDER BY id DESC LIMIT ?`,
          below,
          limit,
        );
        return rows.map((row) => ({
          id: Number(row.id),
          at: Number(row.admitted_at),
          payment: wei(BigInt(row.payment as string)),
          offered: row.offered === null ? undefined : wei(BigInt(row.offered as string)),
        }));
      }),

    payees: (ids) =>
      read(function* () {
        const rows = yield* together<readonly Row[]>(
          allIn(
            "SELECT c.id, v.policy, v.provider FROM confirmations c JOIN verdicts v ON v.id = c.verdict_id WHERE c.id",
            ids,
          ),
        );
        return new Map(rows.flat().map((row) => [Number(row.id), toPayee(row)]));
      }),

    pause: () => read(pauseNow),
    setPause: (pause) => write(() => recordPause("pause", pause)),
    endPause: (resume) =>
      write(function* () {
        if ((yield* pauseNow()) === undefined) return false;
        yield* recordPause("resume", { ...resume, by: "operator" });
        yield* writeMeta("reverts", undefined);
        return true;
      }),
    pauseHistory: (limit) =>
      read(function* () {
        return (yield* all("SELECT * FROM pauses ORDER BY id DESC LIMIT ?", limit)).map(toPauseRecord);
      }),

    recordFiller: (signer, { hash, raw, nonce, signedAt }, cost, fences = []) =>
      write(function* () {
        yield* fenceCheck(fences)(signer);
        yield* together([
          statement.run(
            "INSERT INTO fillers (hash, signer, nonce, raw, signed_at) VALUES (?, ?, ?, ?, ?)",
            hash,
            signer,
            nonce,
            raw,
            signedAt,
          ),
          ...reserveGas([{ signer, nonce, cost, at: signedAt }]),
        ]);
      }),
    fillers: (signer, from) =>
      read(function* () {
        const rows = yield* all(
          "SELECT * FROM fillers WHERE signer = ? AND nonce >= ? ORDER BY nonce, signed_at, rowid",
          signer,
          from,
        );
        return rows.map((row) => ({
          hash: row.hash as Hash,
          raw: row.raw as Hex,
          nonce: toNonce(Number(row.nonce)),
          signedAt: Number(row.signed_at),
        }));
      }),
  };
}

const toPauseRecord = (row: Row): PauseRecord => ({
  action: row.action as PauseRecord["action"],
  by: row.by as Pause["by"],
  who: row.who as string,
  why: row.why as string,
  at: Number(row.at),
});

const toPayee = (row: Row): Payee => ({
  policy: row.policy as string,
  provider: (row.provider as AccountAddress | null) ?? undefined,
});

/** What one nonce may cost, or did. */
type NonceCost = { readonly signer: AccountAddress; readonly nonce: Nonce; readonly cost: bigint };

/**
 * Holds the most that nonces can cost; a replacement that is dearer raises it, and one that comes a day later counts anew, since
 * what was held before counts no more. The amounts are text: the longer is more.
 */
export const reserveGas = (costs: readonly (NonceCost & { readonly at: number })[]): readonly Statement[] =>
  insertAll(
    "INSERT INTO gas_costs (signer, nonce, wei, at)",
    costs.map(({ signer, nonce, cost, at }) => [signer, nonce, String(cost), at]),
    `ON CONFLICT (signer, nonce) DO UPDATE SET wei = excluded.wei, at = excluded.at
     WHERE length(excluded.wei) > length(gas_costs.wei)
       OR (length(excluded.wei) = length(gas_costs.wei) AND excluded.wei > gas_costs.wei)
       OR gas_costs.at <= excluded.at - ${dayMs}`,
  );

/** Puts what nonces did cost in the place of the most that they could. */
export const settleGas = (paid: readonly NonceCost[]): readonly Statement[] =>
  updateAll(
    "UPDATE gas_costs SET wei = given.column3",
    "signer = given.column1 AND nonce = given.column2",
    ["TEXT", "BIGINT", "TEXT"],
    paid.map(({ signer, nonce, cost }) => [signer, nonce, String(cost)]),
  );
