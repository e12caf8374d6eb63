import type { Hash, Hex } from "../../src/protocol/brand.ts";
import { TaskStatus } from "../../src/protocol/statuses.ts";
import { dayMs } from "../../src/sink/guardrails/caps.ts";
import { type Ceiling, ceilingsOf, type Guardrails } from "./guardrails.ts";
import type { ConfirmationRow, JournalReader } from "./journalReader.ts";
import type { ModelTransaction } from "./mempool.ts";
import type { Block, ModelChain } from "./modelChain.ts";
import { gasPaid } from "./modelReceipts.ts";
import type { Truth } from "./truth.ts";

export type CeilingChecksDeps = {
  readonly chain: ModelChain;
  readonly truth: Truth;
  readonly guardrails: Guardrails;
  /** The newest block that can no longer be taken back. */
  readonly finalBlock: () => Block;
  readonly journal: () => JournalReader | undefined;
  /** Virtual milliseconds. */
  readonly now: () => number;
  readonly fail: (invariant: string, what: string) => void;
};

/** What the oracle asks of the guardrails. Sums are its own: of what keys signed, by its clock, and of what the chain holds. */
export type CeilingChecks = {
  /** A key has signed. */
  readonly signed: (hash: Hash) => void;
  /** It was handed to an endpoint, and what is signed is in the journal. */
  readonly sent: (transaction: ModelTransaction) => void;
  readonly paused: () => void;
  readonly resumed: () => void;
  readonly isPaused: () => boolean;
  /** Faults are over: nothing but a ceiling keeps what may be paid. */
  readonly calm: () => void;
  /** The confirmations as they are durable now. */
  readonly journalled: (rows: readonly ConfirmationRow[]) => void;
  /** Of what may be paid now, the one that came first and is not signed. */
  readonly firstHeld: () => ConfirmationRow | undefined;
};

/** A payment, from its first signature in one nonce on. */
type Admission = {
  readonly response: Hex;
  readonly task: Hex;
  readonly provider: Hex;
  readonly price: bigint;
  readonly from: Hex;
  readonly nonce: number;
  readonly at: number;
  /** Everything that pays it in this nonce. */
  readonly hashes: Hash[];
};

type Offer = { readonly hash: Hash; readonly cost: bigint; readonly at: number; readonly pays: boolean };
type Slot = { readonly from: Hex; readonly nonce: number; readonly offers: Offer[] };

const inFlight: ReadonlySet<string> = new Set(["signed", "broadcast", "mined"]);

export function createCeilingChecks(deps: CeilingChecksDeps): CeilingChecks {
  const { chain, truth, guardrails, finalBlock, journal, now, fail } = deps;
  const { gasPerDay, revertsToPause } = guardrails.options;
  const ceilings = ceilingsOf(guardrails);
  const signedAt = new Map<Hash, number>();
  const admissions: Admission[] = [];
  const slots = new Map<string, Slot>();
  const pauses: { readonly from: number; to: number }[] = [];
  const before = new Map<number, ConfirmationRow>();
  let reverts = 0;
  let isCalm = false;

  const finalNonce = (from: Hex) => finalBlock().state.nonces.get(from) ?? 0;
  /** Whether it is paid, or may still be. */
  const counts = ({ from, nonce, hashes }: Admission): boolean =>
    finalNonce(from) <= nonce || hashes.some((hash) => chain.find(finalBlock(), hash)?.mined.succeeded);

  /** What counts in the window that ends with this one. */
  const sumAt = ({ lengthMs, isOfProvider }: Ceiling, end: Admission): bigint =>
    admissions
      .filter(
        ({ at, provider }) => at <= end.at && at > end.at - lengthMs && (!isOfProvider || provider === end.provider),
      )
      .filter(counts)
      .reduce((sum, { price }) => sum + price, 0n);

  /** One that was signed first may go out last: every window that it is in is looked at. */
  const checkSums = (fresh: Admission) => {
    for (const ceiling of ceilings) {
      for (const end of admissions.filter(({ at }) => at >= fresh.at && at < fresh.at + ceiling.lengthMs)) {
        const sum = sumAt(ceiling, end);
        if (sum > ceiling.limit) {
          fail("below-ceilings", `${end.response} brings ${ceiling.name} to ${sum} wei, above ${ceiling.limit}`);
        }
      }
    }
  };

  const mayBePaid = ({ task: address }: ConfirmationRow): boolean => {
    const { state, time } = chain.tip();
    const task = state.tasks.get(address);
    return task?.status === TaskStatus.RESPONDED && task.expiryTime > time + 60;
  };

  /** Under several ceilings one waits at the first that holds it, and may be passed under the others. */
  const checkOrder = (fresh: Admission) => {
    const [ceiling, ...others] = ceilings;
    if (!isCalm || ceiling === undefined || others.length > 0 || gasPerDay !== undefined) return;
    const rows = journal()?.confirmations() ?? [];
    const own = rows.findLast(({ response, state }) => response === fresh.response && inFlight.has(state));
    const waiting = rows
      .filter((row) => row.state === "intended" && row.id < (own?.id ?? 0) && mayBePaid(row))
      .map(({ response }) => truth.responses.get(response))
      .filter((each) => !ceiling.isOfProvider || each?.provider === fresh.provider);
    const needed = waiting.reduce((sum, each) => sum + (each?.price ?? 0n), sumAt(ceiling, fresh));
    if (waiting.length > 0 && needed > ceiling.limit) {
      fail("held-in-order", `${fresh.response} takes the room of ${waiting.length} that came before, ${ceiling.name}`);
    }
  };

  const costOf = ({ from, nonce, offers }: Slot, at: number): bigint => {
    const dearest = offers.filter((each) => each.at <= at).reduce(dearer, undefined as Offer | undefined);
    if (dearest === undefined || dearest.at <= at - dayMs) return 0n;
    if (finalNonce(from) <= nonce) return dearest.cost;
    const places = offers.map(({ hash }) => chain.find(finalBlock(), hash));
    const place = places.find((each) => each !== undefined);
    return place === undefined ? 0n : gasPaid(place);
  };

  /** What takes the nonce of what may not be paid any more is held by nothing. */
  const checkGas = (slot: Slot, fresh: Offer) => {
    const [last, ...older] = slot.offers.filter(({ hash }) => hash !== fresh.hash).toReversed();
    const isDearer = [last, ...older].every((each) => each === undefined || each.cost < fresh.cost);
    if (gasPerDay === undefined || !isDearer || !(fresh.pays || last?.pays === false)) return;
    const sum = [...slots.values()].reduce((total, each) => total + costOf(each, fresh.at), 0n);
    if (sum > gasPerDay) fail("below-ceilings", `nonce ${slot.nonce} brings gas to ${sum} wei, above ${gasPerDay}`);
  };

  const checkPause = ({ response, at }: Admission) => {
    const pause = pauses.find(({ from, to }) => at > from && at < to);
    if (pause) fail("paused-signs-nothing", `${response} was signed at ${at}, and paying paused at ${pause.from}`);
  };

  const admit = (transaction: ModelTransaction, at: number) => {
    const { action, key, hash } = transaction;
    const response = action.type === "confirm" ? truth.responses.get(action.response) : undefined;
    if (action.type !== "confirm" || response === undefined || key === undefined) return;
    const { from, nonce } = key;
    const known = admissions.find((each) => each.from === from && each.nonce === nonce && each.task === response.task);
    if (known) return void known.hashes.push(hash);
    const { task, provider, price } = response;
    const fresh: Admission = { response: action.response, task, provider, price, from, nonce, at, hashes: [hash] };
    admissions.push(fresh);
    checkPause(fresh);
    checkSums(fresh);
    checkOrder(fresh);
  };

  const sent: CeilingChecks["sent"] = (transaction) => {
    const { hash, key, action } = transaction;
    if (key === undefined) return;
    const { from, nonce, gas = 0n, maxFee } = key;
    const name = `${from} ${nonce}`;
    const slot = slots.get(name) ?? { from, nonce, offers: [] };
    slots.set(name, slot);
    if (slot.offers.some((each) => each.hash === hash)) return;
    const at = signedAt.get(hash) ?? now();
    const offer: Offer = { hash, cost: gas * maxFee, at, pays: action.type === "confirm" };
    slot.offers.push(offer);
    admit(transaction, at);
    checkGas(slot, offer);
  };

  /** Whether what was signed for it in a nonce has reverted, finally. */
  const hasReverted = (id: number, nonce: number): boolean =>
    (journal()?.attemptsOf(id) ?? []).some((hash) => {
      const found = chain.find(finalBlock(), hash)?.mined;
      return found?.succeeded === false && found.transaction.key?.nonce === nonce;
    });

  const isPaused = () => pauses.at(-1)?.to === Number.POSITIVE_INFINITY;
  const paused = () => {
    if (!isPaused()) pauses.push({ from: now(), to: Number.POSITIVE_INFINITY });
  };

  const countRevert = ({ id, state }: ConfirmationRow, last: ConfirmationRow | undefined) => {
    if (last === undefined || !inFlight.has(last.state)) return;
    if (state === "final") reverts = 0;
    const isGiven = state === "intended" || state === "dead" || state === "cancelled";
    if (isGiven && last.nonce !== null && hasReverted(id, last.nonce)) reverts += 1;
    if (revertsToPause === 0 || reverts < revertsToPause) return;
    if (journal()?.pausedBy() === undefined) fail("breaker", `${reverts} have reverted in a row, and paying goes on`);
    paused();
  };

  return {
    signed: (hash) => {
      signedAt.set(hash, now());
      if (guardrails.dryRun) fail("dry-run", `${hash} was signed in a dry run`);
    },
    sent,
    paused,
    resumed: () => {
      const last = pauses.at(-1);
      if (last) last.to = Math.min(last.to, now());
      reverts = 0;
    },
    isPaused,
    calm: () => {
      isCalm = true;
    },
    journalled: (rows) => {
      for (const row of rows) {
        const last = before.get(row.id);
        if (last?.state === row.state && last.nonce === row.nonce) continue;
        before.set(row.id, row);
        countRevert(row, last);
      }
      if (revertsToPause > 0 && !isPaused() && journal()?.pausedBy() === "reverts") {
        fail("breaker", `paying is paused, and ${reverts} have reverted in a row`);
      }
    },
    firstHeld: () =>
      journal()
        ?.confirmations()
        .find((row) => row.state === "intended" && mayBePaid(row)),
  };
}

const dearer = (a: Offer | undefined, b: Offer): Offer => (a === undefined || b.cost > a.cost ? b : a);
