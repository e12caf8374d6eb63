import type { StatementSync } from "node:sqlite";
import { FatalError } from "../errors.ts";
import type { AccountAddress } from "../protocol/brand.ts";

/**
 * What proves that a writer holds a key: each time that a key changes hands its token is higher. A writer that does not
 * know yet that it lost the key is refused by the token, whatever its clock says.
 */
export type Fence = { readonly signer: AccountAddress; readonly token: number };

export type Lease = Fence & {
  readonly owner: string;
  /** Milliseconds since 1970; from then on somebody else may take it. */
  readonly expiresAt: number;
};

/** Who may write for a key. Methods are transactions, as those of `Journal` are. */
export type LeaseJournal = {
  /**
   * Takes a key that nobody holds, or whose lease has expired; a holder that asks again gets a new token. Answers the
   * lease that stands now: this owner's, or the one in the way.
   *
   * @param now Milliseconds since 1970. @param ttlMs How long it holds without being renewed.
   */
  readonly takeLease: (signer: AccountAddress, owner: string, now: number, ttlMs: number) => Promise<Lease>;
  /** Answers `false`, and changes nothing, where the key has changed hands. */
  readonly renewLease: (fence: Fence, expiresAt: number) => Promise<boolean>;
  /** Gives a key back; nothing where it has changed hands. The token is kept, so that no old writer comes back. */
  readonly releaseLease: (fence: Fence) => Promise<void>;
  readonly leases: () => Promise<readonly Lease[]>;
};

type Sql = (text: string) => StatementSync;

/** A key has changed hands: its lane must stop at once. */
export class LeaseLostError extends FatalError {
  readonly signer: AccountAddress;

  constructor(signer: AccountAddress, owner: string | undefined) {
    super(`the key ${signer} is held by ${owner ?? "nobody"} now, and not by this daemon: nothing of it was written`, {
      code: "LEASE_LOST",
      remedy: "let one daemon alone use a key; the journal's leases show which holds it",
    });
    this.signer = signer;
  }
}

export function leaseJournal(sql: Sql, transaction: <T>(work: () => T) => T): LeaseJournal {
  const leaseOf = (signer: AccountAddress): Lease | undefined => {
    const row = sql("SELECT * FROM leases WHERE signer = ?").get(signer);
    return row && toLease(row);
  };
  return {
    takeLease: async (signer, owner, now, ttlMs) =>
      transaction(() => {
        const before = leaseOf(signer);
        if (before !== undefined && before.owner !== owner && before.expiresAt > now) return before;
        const lease: Lease = { signer, owner, token: (before?.token ?? 0) + 1, expiresAt: now + ttlMs };
        sql(`INSERT INTO leases (signer, owner, token, expires_at) VALUES (?, ?, ?, ?)
             ON CONFLICT (signer) DO UPDATE SET
               owner = excluded.owner, token = excluded.token, expires_at = excluded.expires_at`).run(
          signer,
          owner,
          lease.token,
          lease.expiresAt,
        );
        return lease;
      }),
    renewLease: async ({ signer, token }, expiresAt) => {
      const renewed = sql("UPDATE leases SET expires_at = ? WHERE signer = ? AND token = ?");
      return renewed.run(expiresAt, signer, token).changes > 0;
    },
    releaseLease: async ({ signer, token }) => {
      sql("UPDATE leases SET expires_at = 0 WHERE signer = ? AND token = ?").run(signer, token);
    },
    leases: async () => sql("SELECT * FROM leases ORDER BY signer").all().map(toLease),
  };
}

/**
 * To be called in the transaction that writes for a key. A key that was never leased needs no fence.
 * @throws LeaseLostError if another writer holds the key, or none of the fences is the key's newest.
 */
export function checkFence(sql: Sql, signer: AccountAddress, fences: readonly Fence[]): void {
  const row = sql("SELECT owner, token FROM leases WHERE signer = ?").get(signer);
  if (row === undefined) return;
  if (fences.some((fence) => fence.signer === signer && fence.token === row.token)) return;
  throw new LeaseLostError(signer, row.owner as string);
}

const toLease = (row: Record<string, unknown>): Lease => ({
  signer: row.signer as AccountAddress,
  owner: row.owner as string,
  token: Number(row.token),
  expiresAt: Number(row.expires_at),
});
