import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { exhaustMap, interval, takeWhile } from "rxjs";
import { type Clock, systemClock } from "../clock.ts";
import { ConfigError } from "../errors.ts";
import type { Journal } from "../journal/journal.ts";
import { commandOwner, isBesideDaemon, type Lease } from "../journal/leaseJournal.ts";
import { type AccountAddress, checksummed } from "../protocol/brand.ts";
import type { Signer } from "../signer/signerPort.ts";
import { signerOf } from "../sink/signerOf.ts";
import type { JournalSite } from "./journalSite.ts";
import { requireNotPaused } from "./requireNotPaused.ts";
import { type Opened, signerIn } from "./withClient.ts";
import { besideDaemon } from "./withJournal.ts";

/** How long a key stays with a command that was killed: what it sent may be mined by then. */
const leaseMs = 180_000;

/**
 * A daemon is the only writer of its key: what is sent beside it, or in the nonces that it has signed, would take its nonces.
 * @throws ConfigError `KEY_IN_USE` if a daemon works with this key, or has left something of it in flight.
 */
export const requireFreeKey = (
  site: JournalSite,
  { address }: Pick<Signer, "address">,
  now = Date.now(),
): Promise<void> => askJournal(site, (journal, isHeld) => refuseTaken(journal, site, { address, isHeld, now }));

/**
 * The same for a command that pays, which a pause keeps from it, too.
 * @throws as `requireFreeKey`; ConfigError `PAYING_PAUSED`.
 */
export const requirePayable = (site: JournalSite, { address }: Pick<Signer, "address">): Promise<void> =>
  askJournal(site, async (journal, isHeld) => {
    await refuseTaken(journal, site, { address, isHeld, now: Date.now() });
    await requireNotPaused(journal);
  });

/** Where there is no journal nothing stands in the way. */
async function askJournal(site: JournalSite, ask: (journal: Journal, isHeld: boolean) => Promise<void>): Promise<void> {
  if (!(await site.exists())) return;
  const isHeld = await site.isHeld();
  await besideDaemon(site, (journal) => ask(journal, isHeld));
}

/** A key that the command holds, and the journal that says so. */
export type HeldKey = {
  readonly journal: Journal;
  readonly lease: Lease;
  /** A daemon works on the journal, with other keys. */
  readonly besideDaemon: boolean;
  /** Holds the key for longer. @throws ConfigError `KEY_IN_USE` if it has changed hands while the command stood still. */
  readonly requireHeld: () => Promise<void>;
};

/**
 * Works with a key as its one writer: as long as it goes on, no daemon starts on the journal, or, where one runs with other
 * keys, none takes this one.
 *
 * @param what The command, for whoever finds the key held.
 * @param work Is given the key as it is held; nothing where there is no journal.
 * @throws ConfigError `KEY_IN_USE` as above; RetryableError `JOURNAL_LOCKED` if a daemon starts at this very moment.
 */
export async function withKey<T>(
  site: JournalSite,
  { address }: Pick<Signer, "address">,
  what: string,
  work: (held?: HeldKey) => Promise<T>,
  clock: Clock = systemClock,
): Promise<T> {
  if (!(await site.exists())) return work();
  const isHeld = await site.isHeld();
  const journal = await site.open({ shared: isHeld });
  try {
    await refuseTaken(journal, site, { address, isHeld, now: clock.now() });
    const owner = commandOwner(what, `${hostname()} (${randomUUID()})`, { besideDaemon: isHeld });
    const lease = await journal.takeLease(address, owner, clock.now(), leaseMs);
    if (lease.owner !== owner) throw heldBy(lease, site);
    const renew = renewable(journal, lease, clock);
    const endRenewals = keepRenewed(renew, clock);
    const requireHeld = async () => {
      if (!(await renew()))
        throw takenBy((await journal.leases()).find(({ signer }) => signer === address) ?? lease, site);
    };
    try {
      return await work({ journal, lease, besideDaemon: isHeld, requireHeld });
    } finally {
      await endRenewals();
      // What came of the work is to be told, whatever the journal says; the lease ends by itself.
      await journal.releaseLease(lease).catch(() => undefined);
    }
  } finally {
    await journal.close();
  }
}

/** Renews a lease. One that fails counts for as long as the lease holds by the wall clock, and is an error from then on. */
function renewable(journal: Journal, lease: Lease, { now }: Pick<Clock, "now">): () => Promise<boolean> {
  let { expiresAt } = lease;
  return async () => {
    const next = now() + leaseMs;
    try {
      const isHeld = await journal.renewLease(lease, next);
      if (isHeld) expiresAt = next;
      return isHeld;
    } catch (error) {
      if (now() < expiresAt) return true;
      throw error;
    }
  };
}

/** The same for the client's own key, which neither signs nor sends once it has changed hands. @throws as `withKey`. */
export const sendWith = <T>(opened: Opened, what: string, send: (held?: HeldKey) => Promise<T>): Promise<T> =>
  withKey(opened.site, signerIn(opened), what, (held) => {
    if (held) opened.guard(held.requireHeld);
    return send(held);
  });

/**
 * Renews a lease while work goes on, which may take longer: an upload, retries, an endpoint that lacks the receipt. One that
 * fails is tried again at the next time, before the lease ends; after one that finds the key in other hands comes none.
 *
 * @returns what ends it: none is under way then, which would take back what is released.
 */
function keepRenewed(renew: () => Promise<boolean>, { scheduler }: Pick<Clock, "scheduler">): () => Promise<void> {
  let last: Promise<boolean> | undefined;
  const renewals = interval(leaseMs / 3, scheduler)
    .pipe(
      exhaustMap(() => {
        last = renew().catch(() => true);
        return last;
      }),
      takeWhile((isHeld) => isHeld),
    )
    .subscribe();
  return async () => {
    renewals.unsubscribe();
    await last;
  };
}

type Asked = { readonly address: AccountAddress; readonly isHeld: boolean; readonly now: number };

async function refuseTaken(journal: Journal, { name }: JournalSite, { address, isHeld, now }: Asked): Promise<void> {
  const key = checksummed(address);
  const lease = (await journal.leases()).find(({ signer }) => signer === address);
  const isLeased = lease !== undefined && lease.expiresAt > now;
  if (isLeased && isBesideDaemon(lease)) throw heldBy(lease, { name });
  if (!isHeld) {
    // Other leases that are left are nobody's; what is signed goes out at the next start.
    const waiting = await inFlightOf(journal, address);
    if (waiting.length === 0) return;
    const nonces = waiting.length === 1 ? `nonce ${waiting[0]}` : `nonces ${waiting[0]} to ${waiting.at(-1)}`;
    throw new ConfigError(
      `the journal ${name} has ${waiting.length} of ${key} in flight (${nonces}), and no daemon runs`,
      {
        code: "KEY_IN_USE",
        remedy: "start the daemon, which finishes them, or use another key",
      },
    );
  }
  if (isLeased) {
    throw inUse(`a daemon runs on the journal ${name} and holds ${key} (${lease.owner})`);
  }
  if ((await journal.highestNonce(address)) !== undefined) {
    throw inUse(`a daemon runs on the journal ${name} and pays with ${key}`);
  }
}

const heldBy = ({ owner, signer }: Lease, { name }: Pick<JournalSite, "name">) =>
  inUse(`${owner} holds ${checksummed(signer)} by ${name}`);

const takenBy = ({ owner, signer }: Lease, { name }: Pick<JournalSite, "name">) =>
  new ConfigError(
    `${owner} has taken ${checksummed(signer)} by ${name} while this command stood still: nothing more is signed or sent`,
    {
      code: "KEY_IN_USE",
      remedy: "`nonce info` tells what waits of what was sent before that; do again what is still to be done",
    },
  );

const inUse = (message: string) =>
  new ConfigError(message, {
    code: "KEY_IN_USE",
    remedy:
      "use another key, or stop the daemon first, or let the command end; what a policy held is paid with `held approve`",
  });

/** Nonces of what the key has signed and nobody has mined, in order. */
async function inFlightOf(journal: Journal, address: AccountAddress): Promise<readonly number[]> {
  const found: number[] = [];
  for (const confirmation of await journal.unsettled()) {
    const { state, nonce, mined } = confirmation;
    if (state === "intended" || mined !== undefined || nonce === undefined) continue;
    if ((await signerOf(confirmation)) === address) found.push(nonce);
  }
  return found.sort((a, b) => a - b);
}
