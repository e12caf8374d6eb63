import type { Attempt } from "../../journal/journal.ts";
import { toNonce } from "../../protocol/brand.ts";
import type { Signer } from "../../signer/signerPort.ts";
import { transferOfNothing } from "../../sink/replace.ts";
import { calls } from "../calls.ts";
import type { ClientContext } from "../context.ts";
import { InputError, RefusedError } from "../errors.ts";
import { signerOf } from "../signerOf.ts";
import { type FixOutcome, fixOutcomes, type SentFix } from "./fixOutcomes.ts";
import { type FixStep, type NonceFix, type PlanOptions, planNonceFix } from "./planNonceFix.ts";

export type FixOptions = PlanOptions & {
  /** Gets the plan before anything is sent; nothing is, unless it answers `true`. */
  readonly approve: (plan: NonceFix) => boolean | Promise<boolean>;
  /** Milliseconds to wait until the replacements are mined. @default 120_000 */
  readonly timeoutMs?: number;
};

export type FixedNonces = {
  readonly plan: NonceFix;
  /** `false`: it was not approved, and nothing was sent. */
  readonly approved: boolean;
  /** Transactions that were sent, in nonce order. */
  readonly sent: readonly {
    readonly nonce: number;
    readonly hash: `0x${string}`;
    readonly action: FixStep["action"];
    readonly outcome: FixOutcome;
  }[];
  /** Steps that were approved, and left alone because their nonces were not what was shown any more. */
  readonly changed: readonly FixStep[];
  /** The next free nonce. */
  readonly nextNonce: number;
};

/**
 * Mends what holds up an account's transactions, and nothing else: each stuck nonce gets one replacement, everything that
 * can still be mined is left alone, and a confirmation that the account signed, as its bytes in the pool prove, and that can still
 * pay is sent again for more gas, never cancelled.
 *
 * It tells first: without an `approve` that answers `true` nothing is sent. Then it looks again: what changed meanwhile is left
 * alone, and no more is offered than what was approved.
 *
 * @throws as `planNonceFix`; InputError `SIGNER_MISSING`; NotMinedError if a replacement is not mined in time.
 * @example
 * await client.fixNonce({ approve: ({ steps, cost }) => steps.length < 3 && cost < parseEther("0.01") });
 */
export async function fixNonce(context: ClientContext, options: FixOptions): Promise<FixedNonces> {
  const signer = signerOf(context, options);
  if (options.address !== undefined && options.address.toLowerCase() !== signer.address) {
    throw new InputError(`${options.address} is not the signer's account: only its own key can mend it`, {
      code: "NOT_ALLOWED",
      remedy: "give the signer of that account, and leave the address out",
    });
  }
  const lane = context.laneOf(signer);
  return lane.alone(async () => {
    const plan = await planNonceFix(context, options);
    const approved = plan.steps.length > 0 && (await options.approve(plan));
    const steps = approved ? await unchanged(context, options, plan) : [];
    const bytes = await sendAll(context, signer, steps);
    const sent = await fixOutcomes(context, signer, bytes, options.timeoutMs ?? 120_000);
    lane.reset();
    const nextNonce = await context.chain.pendingNonce(signer.address);
    const changed = approved ? plan.steps.filter((step) => !steps.includes(step)) : [];
    return { plan, approved, sent, changed, nextNonce: Math.max(nextNonce, lane.cached() ?? 0) };
  });
}

/** Somebody may have taken time to approve: the steps that a second look finds, too, as they were shown. */
async function unchanged(
  context: ClientContext,
  options: PlanOptions,
  { steps }: NonceFix,
): Promise<readonly FixStep[]> {
  const now = (await planNonceFix(context, options)).steps;
  const isSame = (a: FixStep, b: FixStep) => a.nonce === b.nonce && a.hash === b.hash && a.action === b.action;
  return steps.filter((step) => now.some((other) => isSame(step, other)));
}

async function sendAll(context: ClientContext, signer: Signer, steps: readonly FixStep[]): Promise<readonly SentFix[]> {
  const { chain, chainId, contracts, clock } = context;
  const lane = context.laneOf(signer);
  const sent: SentFix[] = [];
  for (const step of steps) {
    const { action, gas, newFees: fees, response } = step;
    const nonce = toNonce(step.nonce);
    const isSame = action === "reprice" && response !== undefined;
    const call = isSame
      ? { ...calls.confirmResponse(contracts, response), gas, nonce, fees }
      : transferOfNothing(signer.address, nonce, fees);
    const bytes = await signer.sign({ ...call, chainId });
    const attempt: Attempt = { kind: isSame ? "confirm" : "cancel", ...bytes, nonce, signedAt: clock.now() };
    lane.adopt(attempt, cancelled(step));
    // Whatever the node answers: the bytes are out, and what is mined in the nonce tells.
    const answer = await chain.broadcast(bytes.raw);
    const refusal = answer.ok ? undefined : (answer.why ?? answer.message);
    sent.push({ nonce, hash: bytes.hash, action, refusal });
  }
  return sent;
}

const cancelled = ({ what, nonce }: FixStep) =>
  new RefusedError(`${what} in nonce ${nonce} was cancelled by fixNonce`, {
    code: "CANCELLED",
    remedy: "send it again if it still makes sense",
  });
