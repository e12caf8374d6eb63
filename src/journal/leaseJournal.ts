import { FatalError } from "../errors.ts";
import type { AccountAddress } from "../protocol/brand.ts";
import { all, one, run, type Store, type Work } from "./work.ts";

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

const command = "the command ";
const alone = " with the journal to itself";

/** The owner of a command's lease, by which it is told from a daemon's. @param where The host, and a word of its own. */
export const commandOwner = (
  what: string,
  where: string,
  { besideDaemon }: { readonly besideDaemon: boolean },
): string => `${command}${what} on ${where}${besideDaemon ? "" : alone}`;

/** Whether a lease is of a command that holds its key, and not the journal. */
export const isBesideDaemon = ({ owner }: Lease): boolean => owner.startsWith(command) && !owner.endsWith(alone);

/**
 * What frees leases where a journal is opened to be held alone: those of all who held the journal, and are gone. A command
 * beside a daemon may be at work all the same: its lease ends by itself.
 */
export const freeLeases = {
  /** Where nobody loses the journal's lock alive. */
  ofHolders: `UPDATE leases SET expires_at = 0 WHERE owner NOT LIKE '${command}%' OR owner LIKE '%${alone}'`,
  /** Where a connection may be lost: a daemon can write nothing more then, but a command may still send. */
  ofDaemons: `UPDATE leases SET expires_at = 0 WHERE owner NOT LIKE '${command}%'`,
} as const;

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

export function leaseJournal({ read, write }: Store): LeaseJournal {
  return {
    takeLease: (signer, owner, now, ttlMs) =>
      write(function* () {
        const row = yield* one("SELECT * FROM leases WHERE signer = ?", signer);
        const before = row && toLease(row);
        if (before !== undefined && before.owner !== owner && before.expiresAt > now) return before;
        const lease: Lease = { signer, owner, token: (before?.token ?? 0) + 1, expiresAt: now + ttlMs };
        yield* run(
          `INSERT INTO leases (signer, owner, token, expires_at) VALUES (?, ?, ?, ?)
           ON CONFLICT (signer) DO UPDATE SET
             owner = excluded.owner, token = excluded.token, expires_at = excluded.expires_at`,
          signer,
          owner,
          lease.token,
          lease.expiresAt,
        );
        return lease;
      }),
    renewLease: ({ signer, token }, expiresAt) =>
      write(function* () {
        const renewed = "UPDATE leases SET expires_at = ? WHERE signer = ? AND token = ?";
        return (yield* run(renewed, expiresAt, signer, token)) > 0;
      }),
    releaseLease: ({ signer, token }) =>
      write(function* () {
        yield* run("UPDATE leases SET expires_at = 0 WHERE signer = ? AND token = ?", signer, token);
      }),
    leases: () =>
      read(function* () {
        return (yield* all("SELECT * FROM leases ORDER BY signer")).map(toLease);
      }),
  };
}

/** Checks that a writer holds a key. @throws LeaseLostError if another one does, or none of its fences is the key's newest. */
export type CheckFence = (signer: AccountAddress) => Work<void>;

/**
 * To be made anew in each transaction that writes for keys; each key is looked up once in it. A key that was never leased
 * needs no fence.
 */
export function fenceCheck(fences: readonly Fence[]): CheckFence {
  const checked = new Set<AccountAddress>();
  return function* check(signer) {
    if (checked.has(signer)) return;
    const row = yield* one("SELECT owner, token FROM leases WHERE signer = ?", signer);
    const isHeld = fences.some((fence) => fence.signer === signer && fence.token === row?.token);
    if (row !== undefined && !isHeld) throw new LeaseLostError(signer, row.owner as string);
    checked.add(signer);
  };
}

const toLease = (row: Record<string, unknown>): Lease => ({
  signer: row.signer as AccountAddress,
  owner: row.owner as string,
  token: Number(row.token),
  expiresAt: Number(row.expires_at),
});
