import { combineLatest, map, merge, type Observable, Subject, startWith } from "rxjs";
import { FatalError } from "../errors.ts";
import type { Confirmation } from "../journal/journal.ts";
import { type Fence, LeaseLostError } from "../journal/leaseJournal.ts";
import type { AccountAddress } from "../protocol/brand.ts";
import type { Signer } from "../signer/signerPort.ts";
import { createGapFiller } from "./fillGaps.ts";
import { createRunway } from "./guardrails/runway.ts";
import { createLane } from "./lane.ts";
import type { KeyRoom } from "./shareOut.ts";
import { signerOf } from "./signerOf.ts";
import { createStrangers, type ForeignPending } from "./strangers.ts";
import { type TrackDeps, trackRound } from "./track.ts";

/** A key with its lane: what it has in flight, and how far its money reaches. */
export type Key = {
  readonly address: AccountAddress;
  readonly track: TrackDeps;
  /** Looks at everything in flight; answers what is settled, or free to be admitted anew. */
  readonly round: () => Promise<readonly Confirmation[]>;
  /** Reads what it can pay for, where that was not done lately. */
  readonly readFunds: () => Promise<void>;
  /** How many more may be in flight. */
  readonly room: () => number;
  readonly hasMoney: () => boolean;
};

type KeyringOptions = {
  /** For each key. */
  readonly maxInFlight: number;
  readonly foreignPending: ForeignPending;
  readonly warnBelowConfirmations: number;
  /** Who holds the leases. */
  readonly owner: string;
  /** How long a lease holds without being renewed, milliseconds. */
  readonly leaseMs: number;
};

/** What all keys share. */
export type KeyDeps = Omit<TrackDeps, "signer" | "lane" | "strangers" | "canSign" | "onNoFunds" | "fences">;

/**
 * The keys that pay, each with a lease of its own in the journal, and those that paid before: what they have signed is
 * followed to its end. A key whose lease is lost stops at once; the others go on.
 */
export type Keyring = {
  /** Takes the leases and puts what is signed back in flight; answers the intents that are not. */
  readonly start: () => Promise<readonly Confirmation[]>;
  /** Renews the leases, and takes those that have become free. @throws LeaseLostError if no key is left. */
  readonly renew: () => Promise<void>;
  readonly release: () => Promise<void>;
  /** The keys that are this daemon's; with room and money or without. */
  readonly held: () => readonly Key[];
  /** The keys that have room: now, and whenever that may have changed. */
  readonly rooms$: Observable<readonly KeyRoom<Key>[]>;
  readonly rounds: () => Promise<readonly Confirmation[]>;
  /** There is a new head: what is sent from now on counts the blocks from there, also where no round has looked at it. */
  readonly sawBlock: (block: bigint) => void;
  /** Emits once, when nothing that was signed is without a receipt. */
  readonly drained$: Observable<unknown>;
  /**
   * Works with a key; `undefined` where its lease is lost meanwhile.
   * @throws LeaseLostError if it was the last one.
   */
  readonly work: <T>(key: Key, work: () => Promise<T>) => Promise<T | undefined>;
};

export function createKeyring(deps: KeyDeps, signers: readonly Signer[], options: KeyringOptions): Keyring {
  const { journal, now, report } = deps;
  const { owner, leaseMs } = options;
  const fences = new Map<AccountAddress, Fence>();
  const heldFences = () => [...fences.values()];
  const changed$ = new Subject<void>();
  const make = (signer: Signer, canSign: boolean) =>
    createKey({ ...deps, fences: heldFences }, signer, canSign, options);
  const own = signers.map((signer) => make(signer, true));
  const former = new Map<AccountAddress, Key>();
  const lost = new Set<Key>();
  const waitsFor = new Map<AccountAddress, string>();
  const all = () => [...own, ...former.values()];
  const isHeld = (key: Key) => fences.has(key.address) && !lost.has(key);

  const lose = (key: Key, error: LeaseLostError) => {
    fences.delete(key.address);
    lost.add(key);
    key.track.lane.close();
    report({ type: "key", signer: key.address, state: "lost" });
    changed$.next();
    if (own.every((each) => lost.has(each))) throw error;
  };
  const work: Keyring["work"] = async (key, doIt) => {
    try {
      return await doIt();
    } catch (error) {
      if (!(error instanceof LeaseLostError) || error.signer !== key.address) throw error;
      if (!lost.has(key)) lose(key, error);
      return undefined;
    }
  };

  const acquire = async ({ address }: Key): Promise<boolean> => {
    const lease = await journal.takeLease(address, owner, now(), leaseMs);
    if (lease.owner !== owner) {
      if (waitsFor.get(address) !== lease.owner) {
        report({ type: "key", signer: address, state: "waiting", by: lease.owner, until: lease.expiresAt });
      }
      waitsFor.set(address, lease.owner);
      return false;
    }
    waitsFor.delete(address);
    fences.set(address, lease);
    report({ type: "key", signer: address, state: "held", by: owner, until: lease.expiresAt });
    return true;
  };
  const adopt = (key: Key, signed: readonly Confirmation[]) => {
    key.track.lane.keepAll(signed, { sentAt: undefined });
  };
  const bySigner = async (
    unsettled: readonly Confirmation[],
  ): Promise<ReadonlyMap<AccountAddress, readonly Confirmation[]>> => {
    const found = new Map<AccountAddress, Confirmation[]>();
    for (const confirmation of unsettled) {
      const signer = confirmation.state === "intended" ? undefined : await signerOf(confirmation);
      if (signer === undefined) continue;
      const known = found.get(signer) ?? [];
      known.push(confirmation);
      found.set(signer, known);
    }
    return found;
  };

  return {
    start: async () => {
      const unsettled = await journal.unsettled();
      const signed = await bySigner(unsettled);
      for (const address of signed.keys()) {
        if (own.every((key) => key.address !== address)) former.set(address, make(withoutKey(address), false));
      }
      for (const key of all()) if (await acquire(key)) adopt(key, signed.get(key.address) ?? []);
      changed$.next();
      return unsettled.filter(({ state }) => state === "intended");
    },

    renew: async () => {
      for (const key of all()) {
        if (lost.has(key)) continue;
        const fence = fences.get(key.address);
        if (fence === undefined) {
          if (!(await acquire(key))) continue;
          adopt(key, (await bySigner(await journal.unsettled())).get(key.address) ?? []);
          changed$.next();
        } else if (!(await journal.renewLease(fence, now() + leaseMs))) {
          const holder = (await journal.leases()).find(({ signer }) => signer === key.address);
          lose(key, new LeaseLostError(key.address, holder?.owner));
        }
      }
    },

    release: async () => {
      for (const fence of heldFences()) await journal.releaseLease(fence);
    },

    held: () => own.filter(isHeld),
    rooms$: merge(changed$, ...own.map(({ track }) => track.lane.unmined$)).pipe(
      startWith(undefined),
      map(() =>
        own
          .filter(isHeld)
          .map((key) => ({ key, inFlight: key.track.lane.unmined(), room: key.room() }))
          .filter(({ room }) => room > 0),
      ),
    ),

    rounds: async () => {
      const left = await Promise.all(
        all().map(async (key) => {
          const settled = isHeld(key) ? await work(key, key.round) : undefined;
          // Of one that another daemon holds, too: it may come here, and should be able to pay then.
          await key.readFunds();
          return settled;
        }),
      );
      // What a round has learned of a key's money may give it room.
      changed$.next();
      return left.flatMap((settled) => settled ?? []);
    },

    sawBlock: (block) => {
      for (const { track } of all()) track.lane.sawBlock(block);
    },

    get drained$() {
      return combineLatest(all().map(({ track }) => track.lane.hasRoom$(1)));
    },
    work,
  };
}

/** What a key that the daemon was not given has signed can be sent again, and nothing else. */
const withoutKey = (address: AccountAddress): Signer => ({
  address,
  sign: async () => {
    throw new FatalError(`the daemon does not have the key of ${address}`, { code: "KEY_MISSING" });
  },
});

function createKey(
  deps: KeyDeps & Pick<TrackDeps, "fences">,
  signer: Signer,
  canSign: boolean,
  { maxInFlight, foreignPending, warnBelowConfirmations }: KeyringOptions,
): Key {
  const { report } = deps;
  const lane = createLane();
  const strangers = createStrangers(signer.address, { foreignPending, report, now: deps.now });
  const runway = createRunway({ ...deps, signer, unmined: lane.unmined }, canSign ? warnBelowConfirmations : 0);
  const track: TrackDeps = { ...deps, signer, canSign, lane, strangers, onNoFunds: runway.doubt };
  const gaps = createGapFiller();
  const watch = async <T>(what: string, look: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await look();
    } catch (error) {
      if (error instanceof FatalError) throw error;
      report({ type: "retry", what, error, inMs: 0 });
      return undefined;
    }
  };
  return {
    address: signer.address,
    track,
    hasMoney: () => runway.affordable() > 0,
    room: () => Math.min(maxInFlight, runway.affordable()) - lane.unmined(),
    round: async () => {
      const left = await watch("tracking", () => trackRound(track));
      // Where the chain cannot be told, what has come after the last look would be taken for a gap.
      if (left === undefined) return [];
      await watch("looking for gaps", () => gaps.look(track));
      return left;
    },
    readFunds: async () => {
      // A former key's money matters while nodes refuse what it has out for want of it.
      const isOut = lane.unmined() > 0;
      if (canSign || (isOut && runway.affordable() === 0)) await watch("reading the balance", runway.look);
      if (!canSign && !isOut) runway.dismiss();
    },
  };
}
