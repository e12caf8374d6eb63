import { keccak256 } from "viem/utils";
import type { Attempt } from "../../journal/journal.ts";
import { toNonce } from "../../protocol/brand.ts";
import type { Signer } from "../../signer/signerPort.ts";
import { readAttempt, transferOfNothing } from "../../sink/replace.ts";
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
 * pay is sent again for more gas, never cancelled. So is what this client has signed itself; what the pool has dropped of that is
 * sent again as it is.
 *
 * It tells first: without an `approve` that answers `true` nothing is sent. Then it looks again: what changed meanwhile is left
 * alone, and no more is offered than what was approved. Until then the client signs and sends whatever else it is asked to.
 *
 * @throws as `planNonceFix`; InputError `SIGNER_MISSING`; NotMinedError if a replacement is not mined in time.
 * @example
 * await client.fixNonce({ approve: ({ steps, cost }) => steps.length < 3 && cost < parseAmount("0.01 OGPU") });
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
  const plan = await planNonceFix(context, options);
  // Others may sign meanwhile: whoever approves may wait for what they do.
  const approved = plan.steps.length > 0 && (await options.approve(plan)) === true;
  return lane.alone(async () => {
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
  const { chain } = context;
  const lane = context.laneOf(signer);
  const sent: SentFix[] = [];
  for (const step of steps) {
    const { action } = step;
    const nonce = toNonce(step.nonce);
    const { raw, hash } = action === "resend" ? again(step) : await signed(context, signer, step);
    const own = lane.holder(nonce);
    const kind = own?.attempts.find((each) => each.hash === hash)?.kind;
    // Whatever the node answers: the bytes are out, and what is mined in the nonce tells.
    const answer = await chain.broadcast(raw);
    const refusal = answer.ok ? undefined : (answer.why ?? answer.message);
    if (own) Object.assign(own, { answer: refusal, word: answer.ok ? undefined : answer.message });
    // The lane may sign the same for more while it is waited for.
    const alike = () => own?.attempts.flatMap((each) => (each.kind === kind ? each.hash : [])) ?? [];
    sent.push({ nonce, hash, action, refusal, alike });
  }
  return sent;
}

/** What the plan shows of it was signed by this client. */
function again({ raw = "0x" }: FixStep): Pick<Attempt, "raw" | "hash"> {
  return { raw, hash: keccak256(raw) };
}

async function signed({ chainId, clock, laneOf }: ClientContext, signer: Signer, step: FixStep): Promise<Attempt> {
  const { action, newFees: fees, raw } = step;
  const nonce = toNonce(step.nonce);
  // The account has signed it before: the plan holds nothing else to be sent again.
  const before = action === "reprice" && raw !== undefined ? readAttempt({ raw }).call : undefined;
  const call = before ? { ...before, nonce, fees } : transferOfNothing(signer.address, nonce, fees);
  const bytes = await signer.sign({ ...call, chainId });
  const attempt: Attempt = { kind: before ? "confirm" : "cancel", ...bytes, nonce, signedAt: clock.now() };
  laneOf(signer).adopt(attempt, cancelled(step));
  return attempt;
}

const cancelled = ({ what, nonce }: FixStep) =>
  new RefusedError(`${what} in nonce ${nonce} was cancelled by fixNonce`, {
    code: "CANCELLED",
    remedy: "send it again if it still makes sense",
  });
