import type { StatementSync } from "node:sqlite";
import type { AccountAddress, Hash, Hex, Nonce, Wei } from "../protocol/brand.ts";
import { toNonce, wei } from "../protocol/brand.ts";
import { checkFence, type Fence } from "./leaseJournal.ts";
import type { Row } from "./rows.ts";

/** What one confirmation holds of the ceilings, from the moment that it was signed. */
export type MoneySpent = {
  readonly confirmationId: number;
  /** Milliseconds since 1970 when it was signed, in the nonce that it holds now. */
  readonly at: number;
  readonly payment: Wei;
  readonly policy: string;
  readonly provider: AccountAddress | undefined;
};

/** What one nonce costs in gas: at the worst until it is final, then what it cost. */
export type GasSpent = {
  readonly signer: AccountAddress;
  readonly nonce: Nonce;
  readonly at: number;
  readonly cost: Wei;
};

export type Spending = { readonly money: readonly MoneySpent[]; readonly gas: readonly GasSpent[] };

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

/** What was done about paying, and by whom. */
export type PauseRecord = Pause & { readonly action: "pause" | "resume" };

/** A transfer of nothing to oneself, in a nonce that nobody holds and that keeps later ones from being mined. */
export type Filler = { readonly hash: Hash; readonly raw: Hex; readonly nonce: Nonce; readonly signedAt: number };

/** A confirmation that is final. */
export type PaymentMade = {
  readonly id: number;
  /** Milliseconds since 1970 when it was signed. */
  readonly at: number;
  readonly payment: Wei;
  /** What the task offered, where that was kept. */
  readonly offered: Wei | undefined;
};

/** What the sink asks of the journal beside the confirmations. Methods are transactions, as those of `Journal` are. */
export type SinkJournal = {
  /** Everything that counts against a ceiling. @param since Milliseconds since 1970. */
  readonly spending: (since: number) => Promise<Spending>;
  /** What was paid, finally: confirmations below an ID, the newest first, at most `limit`. */
  readonly payments: (below: number, limit: number) => Promise<readonly PaymentMade[]>;
  readonly payees: (confirmationIds: readonly number[]) => Promise<ReadonlyMap<number, Payee>>;
  readonly pause: () => Promise<Pause | undefined>;
  readonly setPause: (pause: Pause) => Promise<void>;
  /** Ends the pause, and forgets the reverts that were counted; answers whether there was one. */
  readonly endPause: (resume: Omit<Pause, "by">) => Promise<boolean>;
  /** What was paused and resumed, newest first. */
  readonly pauseHistory: (limit: number) => Promise<readonly PauseRecord[]>;
  /** Counts final reverts in a row; answers how many there are now. @param reverted `false` begins anew. */
  readonly countRevert: (reverted: boolean) => Promise<number>;
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

type Sql = (text: string) => StatementSync;

export function sinkJournal(sql: Sql, transaction: <T>(work: () => T) => T): SinkJournal {
  const read = (key: string): string | undefined =>
    sql("SELECT value FROM meta WHERE key = ?").get(key)?.value as string | undefined;
  const write = (key: string, value: string | undefined) =>
    value === undefined
      ? sql("DELETE FROM meta WHERE key = ?").run(key)
      : sql("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)").run(key, value);

  const pauseNow = (): Pause | undefined => {
    const row = sql("SELECT * FROM pauses ORDER BY id DESC LIMIT 1").get();
    if (row?.action !== "pause") return undefined;
    const { action: _, ...pause } = toPauseRecord(row);
    return pause;
  };
  const recordPause = (action: PauseRecord["action"], { by, who, why, at }: Pause) => {
    sql("INSERT INTO pauses (action, by, who, why, at) VALUES (?, ?, ?, ?, ?)").run(action, by, who, why, at);
  };

  return {
    spending: async (since) => ({
      money: sql(`
        SELECT c.id, c.admitted_at, c.payment, v.policy, v.provider
        FROM confirmations c JOIN verdicts v ON v.id = c.verdict_id
        WHERE c.admitted_at >= ? AND c.state NOT IN ('rejected', 'cancelled') ORDER BY c.admitted_at, c.id`)
        .all(since)
        .map((row) => ({
          confirmationId: Number(row.id),
          at: Number(row.admitted_at),
          payment: wei(BigInt(row.payment as string)),
          ...toPayee(row),
        })),
      gas: sql("SELECT * FROM gas_costs WHERE at >= ? ORDER BY at, nonce")
        .all(since)
        .map((row) => ({
          signer: row.signer as AccountAddress,
          nonce: toNonce(Number(row.nonce)),
          at: Number(row.at),
          cost: wei(BigInt(row.wei as string)),
        })),
    }),

    payments: async (below, limit) =>
      sql(`SELECT id, admitted_at, payment, offered FROM confirmations
           WHERE id < ? AND state = 'final' AND admitted_at IS NOT NULL ORDER BY id DESC LIMIT ?`)
        .all(below, limit)
        .map((row) => ({
          id: Number(row.id),
          at: Number(row.admitted_at),
          payment: wei(BigInt(row.payment as string)),
          offered: row.offered === null ? undefined : wei(BigInt(row.offered as string)),
        })),

    payees: async (ids) => {
      const payee = sql(
        "SELECT v.policy, v.provider FROM confirmations c JOIN verdicts v ON v.id = c.verdict_id WHERE c.id = ?",
      );
      return new Map(
        ids.flatMap((id) => {
          const row = payee.get(id);
          return row ? [[id, toPayee(row)] as const] : [];
        }),
      );
    },

    pause: async () => pauseNow(),
    setPause: async (pause) => recordPause("pause", pause),
    endPause: async (resume) =>
      transaction(() => {
        if (pauseNow() === undefined) return false;
        recordPause("resume", { ...resume, by: "operator" });
        write("reverts", undefined);
        return true;
      }),
    pauseHistory: async (limit) => sql("SELECT * FROM pauses ORDER BY id DESC LIMIT ?").all(limit).map(toPauseRecord),
    countRevert: async (reverted) =>
      transaction(() => {
        const before = Number(read("reverts") ?? 0);
        const after = reverted ? before + 1 : 0;
        if (after !== before) write("reverts", after === 0 ? undefined : String(after));
        return after;
      }),

    recordFiller: async (signer, { hash, raw, nonce, signedAt }, cost, fences = []) =>
      transaction(() => {
        checkFence(sql, signer, fences);
        sql("INSERT INTO fillers (hash, signer, nonce, raw, signed_at) VALUES (?, ?, ?, ?, ?)").run(
          hash,
          signer,
          nonce,
          raw,
          signedAt,
        );
        reserveGas(sql, signer, nonce, cost, signedAt);
      }),
    fillers: async (signer, from) =>
      sql("SELECT * FROM fillers WHERE signer = ? AND nonce >= ? ORDER BY nonce, signed_at, rowid")
        .all(signer, from)
        .map((row) => ({
          hash: row.hash as Hash,
          raw: row.raw as Hex,
          nonce: toNonce(Number(row.nonce)),
          signedAt: Number(row.signed_at),
        })),
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

/** Holds the most that a nonce can cost; a replacement that is dearer raises it. */
export function reserveGas(sql: Sql, signer: AccountAddress, nonce: Nonce, cost: bigint, at: number): void {
  const before = sql("SELECT wei FROM gas_costs WHERE signer = ? AND nonce = ?").get(signer, nonce);
  if (before !== undefined && BigInt(before.wei as string) >= cost) return;
  sql("INSERT OR REPLACE INTO gas_costs (signer, nonce, wei, at) VALUES (?, ?, ?, ?)").run(
    signer,
    nonce,
    String(cost),
    at,
  );
}

/** Puts what a nonce did cost in the place of the most that it could. */
export function settleGas(sql: Sql, signer: AccountAddress, nonce: Nonce, paid: bigint): void {
  sql("UPDATE gas_costs SET wei = ? WHERE signer = ? AND nonce = ?").run(String(paid), signer, nonce);
}
