import type { ChainPort } from "../chain/chainPort.ts";
import { confirmData } from "../chain/confirmPreviews.ts";
import { RpcError } from "../chain/jsonRpc.ts";
import { allReceipts } from "../chain/receiptReads.ts";
import { ConfigError, FatalError } from "../errors.ts";
import type { Confirmation, ConfirmationState } from "../journal/journal.ts";
import { formatOgpu } from "../protocol/amounts.ts";
import type { Hex, Nonce, Wei } from "../protocol/brand.ts";
import { toNonce, wei } from "../protocol/brand.ts";
import { feeCap } from "./fees.ts";
import type { GasFigure } from "./gasFigure.ts";
import { notInForce } from "./guardrails/caps.ts";
import type { Capped, Guard, Unbounded } from "./guardrails/guard.ts";
import { type Payable, payableAll } from "./payable.ts";
import { maxCostOf, type SignDeps, signAttempts, type ToSign } from "./signAttempts.ts";
import type { SecondLook, Strangers } from "./strangers.ts";

export type Admission =
  | { readonly type: "signed"; readonly confirmation: Confirmation }
  | { readonly type: "settled"; readonly confirmation: Confirmation }
  /** @param ofKey Another key may do better. */
  | {
      readonly type: "postponed";
      readonly confirmation: Confirmation;
      readonly reason: string;
      readonly ofKey?: boolean | undefined;
    }
  /** A ceiling stands in its way. */
  | { readonly type: "capped"; readonly confirmation: Confirmation; readonly capped: Capped }
  /** Nothing may be signed; or somebody has just resumed, and those that waited longer go first. */
  | { readonly type: "paused"; readonly confirmation: Confirmation; readonly resumed: boolean }
  /** It cannot be told whether it may be paid: nothing was taken. */
  | { readonly type: "failed"; readonly confirmation: Confirmation; readonly error: unknown };

export type AdmitDeps = SignDeps & {
  readonly chain: ChainPort;
  readonly controller: Hex;
  /** Wei per gas. */
  readonly maxFeePerGas: bigint;
  /** A dearer intent waits: the ceiling may be lower than when it was decided. */
  readonly maxPayment: Wei;
  readonly guard: Guard;
  readonly strangers: Strangers;
  readonly gasFigure: GasFigure;
};

/** Gas is what the simulation used and a quarter more. */
export const withMargin = (gas: bigint): bigint => (gas * 5n) / 4n;

/** What a look at intents came to: some are decided without a nonce, the others may be paid. */
type Checked = { readonly admissions: readonly Admission[]; readonly payable: readonly Ready[] };

/**
 * The first half of bringing intents to signed transactions, in the order of their ids: reads the state again and simulates the
 * calls before a nonce is taken, so that a doomed call takes none. May run beside anything else.
 *
 * @throws RetryableError if the endpoint does not answer; FatalError if the journal contradicts itself. Nothing was taken then.
 */
export async function checkAll(deps: AdmitDeps, ids: readonly number[]): Promise<Checked> {
  const { journal } = deps;
  const inOrder = [...new Set(ids)].sort((a, b) => a - b);
  const known = await journal.confirmations(inOrder);
  const admissions = known.flatMap((confirmation) => admittedBefore(deps, confirmation));
  const intents = known.filter(({ state }) => state === "intended");
  const stopped = await pausedOnes(deps, intents);
  if (stopped.length > 0) return { admissions: [...admissions, ...stopped], payable: [] };
  const affordable: Confirmation[] = [];
  for (const confirmation of intents) {
    if (confirmation.payment <= deps.maxPayment) affordable.push(confirmation);
    else admissions.push(tooDear(deps, confirmation));
  }
  const payable: Ready[] = [];
  const from = deps.signer.address;
  const checks = await payableAll(
    deps,
    affordable.map((confirmation) => ({ confirmation, from })),
  );
  for (const [index, confirmation] of affordable.entries()) {
    const check = checks[index] as Payable | Error;
    if (check instanceof FatalError) throw check;
    const refused = await settleUnpayable(deps, confirmation, check);
    if (refused) admissions.push(refused);
    else payable.push({ confirmation, gas: withMargin((check as Extract<Payable, { type: "yes" }>).gas) });
  }
  return { admissions, payable };
}

/**
 * The second half: takes nonces for what may be paid, and signs it; somebody may have paused meanwhile, and the journal asks
 * for that once more when it keeps what was signed. Must not run twice at the same time for one key: the nonces are read, then
 * taken. @throws as `checkAll`.
 */
export async function payAll(deps: AdmitDeps, { admissions, payable }: Checked): Promise<readonly Admission[]> {
  if (payable.length === 0) return admissions;
  const stopped = await pausedOnes(
    deps,
    payable.map(({ confirmation }) => confirmation),
  );
  return [...admissions, ...(stopped.length > 0 ? stopped : await pay(deps, payable))];
}

/** All of them, where nothing may be signed now. */
async function pausedOnes({ guard }: AdmitDeps, intents: readonly Confirmation[]): Promise<readonly Admission[]> {
  if (intents.length === 0) return [];
  const wasPaused = guard.wasPaused();
  const isPaused = await guard.isPaused();
  if (!isPaused && !wasPaused) return [];
  return intents.map((confirmation) => ({ type: "paused", confirmation, resumed: !isPaused }));
}

/** What came of one that is no intent any more: this key has signed it, or it is settled. Another key's is not told of. */
function admittedBefore({ signer, guard }: AdmitDeps, confirmation: Confirmation): readonly Admission[] {
  const { state, attempts } = confirmation;
  switch (state) {
    case "intended":
      return [];
    case "signed":
    case "broadcast":
    case "mined":
      return (attempts.at(-1)?.signer ?? signer.address) === signer.address ? [{ type: "signed", confirmation }] : [];
    default:
      // A person withdrew it, or paid it by hand: nobody waits behind it any more.
      guard.leave(confirmation.id);
      return [{ type: "settled", confirmation }];
  }
}

type Ready = { readonly confirmation: Confirmation; readonly gas: bigint };

function tooDear({ guard, maxPayment }: AdmitDeps, confirmation: Confirmation): Admission {
  guard.leave(confirmation.id);
  const reason = `${formatOgpu(confirmation.payment)} is above sink.maxPayment (${formatOgpu(maxPayment)})`;
  return { type: "postponed", confirmation, reason };
}

const unbounded = (confirmation: Confirmation, { policy }: Unbounded): Admission => {
  const reason = `${notInForce(policy)}: bring its file back, or take the approval back (ogpu-confirmd withdraw)`;
  return { type: "postponed", confirmation, reason };
};

async function settleUnpayable(
  deps: AdmitDeps,
  confirmation: Confirmation,
  check: Payable | Error,
): Promise<Admission | undefined> {
  const { journal, guard } = deps;
  const { id, attempts } = confirmation;
  if (check instanceof Error) return { type: "failed", confirmation, error: check };
  if (check.type === "yes") return undefined;
  if (check.type === "not-now") {
    guard.leave(id);
    return { type: "postponed", confirmation, reason: check.reason, ofKey: check.ofKey };
  }
  const own = check.type === "settled" ? await minedAttempt(deps, confirmation, check.at) : undefined;
  if (own) return { type: "signed", confirmation: own };
  const refusal: ConfirmationState = attempts.length === 0 ? "rejected" : "cancelled";
  const state = check.type === "settled" ? "superseded" : refusal;
  const withoutTask = check.type === "refused" ? check.withoutTask : undefined;
  const settled = await journal.changeConfirmation(id, { state, reason: check.reason, withoutTask }, deps.fences?.());
  guard.release(id);
  return { type: "settled", confirmation: settled };
}

/**
 * The task is settled, and this confirmation was signed before: perhaps it was this one that settled it, and a node that
 * lagged, or had lost its receipt, had said otherwise. Then it is mined, and goes on to finality.
 * @throws RetryableError if one of two endpoints does not say whether it has a receipt: by the other one alone nothing is written off.
 */
async function minedAttempt(
  { chain, journal, signer, fences }: AdmitDeps,
  { id, attempts }: Confirmation,
  at: bigint,
): Promise<Confirmation | undefined> {
  const hashes = attempts.filter(({ kind }) => kind === "confirm").map(({ hash }) => hash);
  if (hashes.length === 0) return undefined;
  const paidBy = (receipts: Parameters<typeof allReceipts>[0]) =>
    allReceipts(receipts).find(({ succeeded }) => succeeded);
  const paid =
    paidBy(await chain.receiptsAt(hashes, at)) ?? paidBy((await chain.minedElsewhere(signer.address, hashes)).receipts);
  return paid && journal.changeConfirmation(id, { state: "mined", mined: paid }, fences?.());
}

async function pay(deps: AdmitDeps, payable: readonly Ready[]): Promise<readonly Admission[]> {
  const { chain, journal, signer, guard } = deps;
  const postponeAll = (reason: string, ofKey = false): readonly Admission[] =>
    payable.map(({ confirmation }) => ({ type: "postponed", confirmation, reason, ofKey }));
  const fees = await chain.fees();
  if (feeCap(fees) > deps.maxFeePerGas) {
    return postponeAll(`gas costs ${feeCap(fees)} wei, above sink.maxFeePerGas`);
  }
  const mined = await chain.minedNonce(signer.address);
  const highest = await journal.highestNonce(signer.address);
  const looks = { again: (where: "elsewhere" | "here") => countAgain(deps, where), pending: () => pendingNonce(deps) };
  const first = await deps.strangers.next({ mined, highest, ...looks });
  if (first.type === "wait") return postponeAll(first.reason, true);

  const admissions: Admission[] = [];
  const toSign: ToSign[] = [];
  let nonce: number = first.nonce;
  const payees = await guard.payees(payable.map(({ confirmation }) => confirmation));
  try {
    for (const { confirmation, gas } of payable) {
      const call = {
        kind: "confirm",
        to: deps.controller,
        data: confirmData(confirmation.response),
        gas,
        fees,
      } as const;
      const slot = { signer: signer.address, nonce: toNonce(nonce) };
      const capped = await guard.reserve(confirmation, maxCostOf(call), slot, payees);
      if (capped !== undefined) {
        admissions.push(
          "policy" in capped ? unbounded(confirmation, capped) : { type: "capped", confirmation, capped },
        );
        continue;
      }
      toSign.push({ confirmation, call: { ...call, nonce: slot.nonce } });
      nonce += 1;
    }
    const { signed, unsigned, error } = await signAttempts(deps, toSign);
    for (const confirmation of signed) admissions.push({ type: "signed", confirmation });
    await giveBack(deps, unsigned);
    for (const { confirmation } of unsigned) admissions.push({ type: "failed", confirmation, error });
    return admissions;
  } catch (error) {
    await giveBack(deps, toSign);
    if (!isPause(error)) throw error;
    const stopped = toSign.map(({ confirmation }) => ({ type: "paused", confirmation, resumed: false }) as const);
    return [...admissions, ...stopped];
  }
}

/** Somebody has paused since it was asked whether paying is paused. */
const isPause = (error: unknown): boolean => error instanceof ConfigError && error.code === "PAYING_PAUSED";

/** What was not signed counts against no ceiling. */
async function giveBack({ guard, signer }: AdmitDeps, calls: readonly ToSign[]): Promise<void> {
  for (const { confirmation, call } of calls) {
    guard.release(confirmation.id);
    await guard.settleGas(signer.address, call.nonce, wei(0n));
  }
}

async function countAgain({ chain, signer }: AdmitDeps, where: "elsewhere" | "here"): Promise<SecondLook> {
  const head = await chain.head();
  if (where === "elsewhere") return chain.minedNonceElsewhere(signer.address, head.number);
  return { mined: await chain.minedNonce(signer.address, head.number, head), block: head.number };
}

/** A node that does not know of its pool knows of no stranger there. */
async function pendingNonce({ chain, signer }: AdmitDeps): Promise<Nonce | undefined> {
  try {
    return await chain.pendingNonce(signer.address);
  } catch (error) {
    if (error instanceof RpcError) return undefined;
    throw error;
  }
}
