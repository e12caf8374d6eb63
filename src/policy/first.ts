import type { Output } from "../payload/payloadPort.ts";
import { formatOgpu } from "../protocol/amounts.ts";
import type { UnixSeconds, Wei } from "../protocol/brand.ts";
import { unixSeconds } from "../protocol/brand.ts";
import { DeliveryMethod, isClosed, ResponseStatus, statusName, TaskStatus } from "../protocol/statuses.ts";
import type { Expression } from "./expression.ts";
import { buildFacts } from "./facts.ts";
import type { Candidate, CandidateResponse } from "./policyPort.ts";

/** What strategy `first` goes by. */
export type FirstRules = {
  readonly eligible: Expression;
  readonly perTask: Wei | undefined;
  readonly retries: number;
  readonly schema: { readonly path: string; readonly refusal: (json: unknown) => string } | undefined;
};

export type Decision =
  | { readonly kind: "confirm" | "reject" | "hold"; readonly reason: string }
  | { readonly kind: "wait"; readonly reason: string; readonly until: UnixSeconds };

export type JudgedResponse = { readonly item: CandidateResponse; readonly decision: Decision };

/**
 * Strategy `first`: confirms the earliest submitted response that is eligible. Responses before it get their own
 * decision; those after it get none. One that waits for its payload does not stop a later one: a provider whose
 * endpoint is down cannot hold up the others. Pure.
 */
export function judgeFirst(rules: FirstRules, candidate: Candidate): readonly JudgedResponse[] {
  const inOrder = [...candidate.responses].sort((a, b) => a.response.submittedAt - b.response.submittedAt);
  const unpayable = holdTask(candidate);
  const judged: JudgedResponse[] = [];
  for (const item of inOrder) {
    const decision = unpayable ?? judgeResponse(rules, candidate, item);
    judged.push({ item, decision });
    if (decision.kind === "confirm") break;
  }
  return judged;
}

function holdTask({ now, task, source }: Candidate): Decision | undefined {
  if (!(now < task.expiryTime)) return hold("expired: the task's expiry time has passed");
  if (isClosed(task.status)) return hold(`the task is ${statusName(TaskStatus, task.status)}`);
  if (task.deliveryMethod !== DeliveryMethod.MANUAL_CONFIRMATION) {
    return hold(`delivery is ${statusName(DeliveryMethod, task.deliveryMethod)}: the chain confirms by itself`);
  }
  return source.address === task.source ? undefined : hold("the source is not the task's");
}

function judgeResponse(rules: FirstRules, candidate: Candidate, item: CandidateResponse): Decision {
  const { response } = item;
  const { task } = candidate;
  if (response.task !== task.address) return hold("the response belongs to another task");
  if (response.status !== ResponseStatus.SUBMITTED) {
    return hold(`the response is ${statusName(ResponseStatus, response.status)}`);
  }
  if (rules.perTask !== undefined && !(response.payment <= rules.perTask)) {
    return reject(`the price ${formatOgpu(response.payment)} is above caps.perTask ${formatOgpu(rules.perTask)}`);
  }
  if (!(response.payment <= task.payment)) {
    return reject(`the price ${formatOgpu(response.payment)} is above the task's ${formatOgpu(task.payment)}`);
  }
  return awaitDocuments(rules, candidate, item) ?? judgeFacts(rules, candidate, item);
}

/** A document that the expression needs and that may still come is waited for. */
function awaitDocuments(rules: FirstRules, candidate: Candidate, item: CandidateResponse): Decision | undefined {
  const { mentions } = rules.eligible;
  const needsConfig = mentions.has("task.config") || mentions.has("task.function");
  if (mentions.has("output") && item.output.transient) {
    return waitOrHold(rules, candidate, item, "the payload could not be fetched", item.output.error);
  }
  if (needsConfig && candidate.config.transient) {
    return waitOrHold(rules, candidate, item, "the task's config could not be fetched", candidate.config.error);
  }
  return undefined;
}

function waitOrHold(
  { retries }: FirstRules,
  { now, task }: Candidate,
  { waits }: CandidateResponse,
  what: string,
  error: string,
): Decision {
  const reason = `${what}: ${error}`;
  const until = Math.min(now + Math.min(5 * 2 ** waits, 300), task.expiryTime - 1);
  if (!(waits < retries) || !(until > now)) return hold(reason);
  return { kind: "wait", reason, until: unixSeconds(until) };
}

/**
 * An expression that cannot be evaluated never pays. Where the fault lies in the stranger's document (a missing field,
 * a wrong type) the response is rejected; where it lies anywhere else, the task's config included, a person looks.
 */
function judgeFacts({ eligible, schema }: FirstRules, candidate: Candidate, item: CandidateResponse): Decision {
  const output = withSchema(item.output, schema);
  const evaluation = eligible.evaluate(buildFacts(candidate, item.response, output));
  switch (evaluation.kind) {
    case "true":
      return { kind: "confirm", reason: "eligible, and the first" };
    case "false":
      return reject(
        output.valid || !eligible.mentions.has("output") ? `${evaluation.conjunct} is false` : output.error,
      );
    case "error": {
      const reason = `eligible could not be evaluated: ${evaluation.message}`;
      const stranger = evaluation.facts.has("output") && !evaluation.facts.has("task.config");
      if (!stranger) return hold(reason);
      return reject(output.valid ? reason : output.error);
    }
    default:
      return evaluation satisfies never;
  }
}

function withSchema(output: Output, schema: FirstRules["schema"]): Output {
  if (!schema || !output.valid) return output;
  const refusal = schema.refusal(output.json);
  return refusal
    ? { ...output, valid: false, error: `the output does not match ${schema.path} at ${refusal}` }
    : output;
}

const hold = (reason: string): Decision => ({ kind: "hold", reason });
const reject = (reason: string): Decision => ({ kind: "reject", reason });
