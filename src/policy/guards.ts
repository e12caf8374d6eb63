import type { Output } from "../payload/payloadPort.ts";
import { formatOgpu } from "../protocol/amounts.ts";
import { unixSeconds, type Wei } from "../protocol/brand.ts";
import { DeliveryMethod, isClosed, isTooLate, ResponseStatus, statusName, TaskStatus } from "../protocol/statuses.ts";
import type { Needs } from "./needs.ts";
import type { Candidate, CandidateResponse } from "./policyPort.ts";
import type { SignalFailure } from "./signals/signalsPort.ts";
import { type Decision, hold, reject } from "./strategies/judged.ts";

export type Guards = {
  readonly perTask: Wei | undefined;
  readonly retries: number;
  readonly requireCid: boolean;
  readonly needs: Needs;
};

/** Why nothing of a task can be paid, whatever a policy says. */
export function holdTask({ now, task, source }: Candidate): Decision | undefined {
  if (isTooLate(task, now)) return hold("expired: the task's expiry time has passed");
  if (isClosed(task.status)) return hold(`the task is ${statusName(TaskStatus, task.status)}`);
  if (task.deliveryMethod !== DeliveryMethod.MANUAL_CONFIRMATION) {
    return hold(`delivery is ${statusName(DeliveryMethod, task.deliveryMethod)}: the chain confirms by itself`);
  }
  return source.address === task.source ? undefined : hold("the source is not the task's");
}

/** What is said of a response before any expression is evaluated; `undefined`: nothing. */
export function guardResponse(guards: Guards, candidate: Candidate, item: CandidateResponse): Decision | undefined {
  const { response } = item;
  const { task } = candidate;
  if (response.task !== task.address) return hold("the response belongs to another task");
  if (response.status !== ResponseStatus.SUBMITTED) {
    return hold(`the response is ${statusName(ResponseStatus, response.status)}`);
  }
  const { perTask } = guards;
  if (perTask !== undefined && !(response.payment <= perTask)) {
    return reject(`the price ${formatOgpu(response.payment)} is above caps.perTask ${formatOgpu(perTask)}`);
  }
  if (!(response.payment <= task.payment)) {
    return reject(`the price ${formatOgpu(response.payment)} is above the task's ${formatOgpu(task.payment)}`);
  }
  const awaited = awaitDocuments(guards, candidate, item);
  if (awaited) return awaited;
  return guards.requireCid && !item.output.cidVerified
    ? reject(item.output.error || "the payload's bytes are not those that its CID names")
    : undefined;
}

/** A document that an expression needs and that may still come is waited for. */
function awaitDocuments(guards: Guards, candidate: Candidate, item: CandidateResponse): Decision | undefined {
  const { needs } = guards;
  if (needs.output && item.output.transient) {
    return awaitDocument(guards, candidate, item, item.output, "the payload");
  }
  if (needs.config && candidate.config.transient) {
    return awaitDocument(guards, candidate, item, candidate.config, "the task's config");
  }
  // It would read as empty, and of an empty function name `task.function != "x"` is true.
  if (needs.config && !candidate.config.valid)
    return hold(`the task's config cannot be read: ${candidate.config.error}`);
  return undefined;
}

function awaitDocument(
  guards: Guards,
  candidate: Candidate,
  item: CandidateResponse,
  { error, unasked }: Output,
  what: string,
): Decision {
  const reason = `${what} could not be fetched: ${error}`;
  if (unasked && item.waitsUntil === undefined) {
    const halfItsAge = Math.ceil((candidate.now - item.response.submittedAt) / 2);
    return waitForTurn(candidate, Math.min(halfItsAge, 300), reason);
  }
  const decision = waitOrHold(guards, candidate, item, reason);
  return unasked ? asUnasked(decision) : decision;
}

/** A judge that did not answer is asked again a few times; where its hour is used up, whenever that has room again. */
export function awaitJudge(
  guards: Guards,
  candidate: Candidate,
  item: CandidateResponse,
  { error, againInMs }: SignalFailure,
): Decision {
  if (againInMs === undefined) return waitOrHold(guards, candidate, item, error);
  return item.waitsUntil === undefined
    ? waitForTurn(candidate, Math.ceil(againInMs / 1_000), error)
    : asUnasked(waitOrHold(guards, candidate, item, error));
}

const asUnasked = (decision: Decision): Decision =>
  decision.kind === "wait" ? { ...decision, unasked: true } : decision;

/** Nobody was asked, and so no try was made: it is looked at again after so many seconds, as long as the task is open. */
function waitForTurn({ now, task }: Candidate, seconds: number, reason: string): Decision {
  const until = Math.min(now + Math.max(seconds, 5), task.expiryTime - 1);
  if (!(until > now)) return hold(reason);
  return { kind: "wait", reason, until: unixSeconds(until), waitsFor: "turn", unasked: true };
}

/** Waits a while, longer each time, as often as the policy allows; then a person looks. Who waits already goes on waiting. */
export function waitOrHold(
  { retries }: Pick<Guards, "retries">,
  { now, task }: Candidate,
  { waits, waitsUntil }: CandidateResponse,
  reason: string,
): Decision {
  if (waitsUntil !== undefined) return { kind: "wait", reason, until: waitsUntil, waitsFor: "document" };
  const until = Math.min(now + Math.min(5 * 2 ** waits, 300), task.expiryTime - 1);
  if (!(waits < retries) || !(until > now)) return hold(reason);
  return { kind: "wait", reason, until: unixSeconds(until), waitsFor: "document" };
}
