import type { ChainPort, Snapshot } from "./chain/chainPort.ts";
import type { Clock } from "./clock.ts";
import type { Confirmation, Decision, Journal, TaskRecord } from "./journal/journal.ts";
import type { FetchLimits, Output, PayloadPort } from "./payload/payloadPort.ts";
import type { Policy, PolicySet, Verdict } from "./policy/policyPort.ts";
import { formatOgpu } from "./protocol/amounts.ts";
import type { TaskAddress, Wei } from "./protocol/brand.ts";
import type { Response } from "./protocol/entities.ts";
import { responseDigest } from "./protocol/responseDigest.ts";
import { DeliveryMethod, isClosed, ResponseStatus, statusName, TaskStatus } from "./protocol/statuses.ts";
import type { Reporter } from "./report.ts";

export type JudgeDeps = {
  readonly chain: ChainPort;
  readonly journal: Journal;
  readonly payload: PayloadPort;
  readonly policies: PolicySet;
  readonly clock: Clock;
  readonly report: Reporter;
};

export type JudgeOptions = {
  /** A price above it is held for a person, whatever the policy says. */
  readonly maxPayment: Wei;
  /** Verdicts are recorded as `shadow`: nothing is paid. */
  readonly dryRun: boolean;
};

export type Judged = {
  readonly intent?: Confirmation | undefined;
  /** When something of this task is due, in milliseconds. */
  readonly againInMs?: number;
};

const configLimits: FetchLimits = { maxBytes: 1024 * 1024, timeoutMs: 10_000 };
const configRetryMs = 30_000;

/**
 * One look at one task: reads it from the chain, fetches what its undecided responses point to, lets the policy judge,
 * and journals the verdicts together with the intent to pay, if there is one.
 *
 * @throws RetryableError if the chain could not be read. Nothing was decided then.
 */
export async function judgeTask(deps: JudgeDeps, options: JudgeOptions, address: TaskAddress): Promise<Judged> {
  const { chain, journal, payload, policies, report } = deps;
  const record = await journal.task(address);
  if (record === undefined || record.state !== "open" || record.confirmation !== undefined) return {};

  const snapshot = await chain.snapshot(address, record.source, record.responses);
  const end = whyNothingToDo(snapshot);
  if (end !== undefined) {
    await journal.settleTask(address, end.state, end.reason, snapshot.block.number);
    report({ type: "task", task: address, ...end });
    return {};
  }
  if (!snapshot.responses.some((response) => response.status === ResponseStatus.SUBMITTED)) return {};

  const config = await payload.fetch(snapshot.task.config, configLimits);
  const policy = policies.select({ source: record.source, functionName: functionNameOf(config) });
  if (policy === undefined) {
    report({ type: "unmatched", task: address, reason: config.error });
    return config.transient ? { againInMs: configRetryMs } : {};
  }
  return judgeBy(deps, options, policy, { record, snapshot, config });
}

async function judgeBy(
  { journal, payload, clock, report }: JudgeDeps,
  options: JudgeOptions,
  policy: Policy,
  { record, snapshot, config }: { record: TaskRecord; snapshot: Snapshot; config: Output },
): Promise<Judged> {
  const { block, task, source } = snapshot;
  const binding = { digest: policy.digest, mode: options.dryRun ? "shadow" : policy.mode } as const;
  const lastVerdicts = new Map(record.verdicts.map((verdict) => [verdict.response, verdict]));
  const isEarly = ({ address }: Response) => (lastVerdicts.get(address)?.until ?? 0) > block.timestamp;
  const undecided = snapshot.responses.filter(
    (response) => response.status === ResponseStatus.SUBMITTED && !isSettled(record, binding, response),
  );
  const due = undecided.filter((response) => !isEarly(response));
  const responses = await Promise.all(
    due.map(async (response) => ({
      response,
      output: await payload.fetch(response.data, policy.limits),
      waits: lastVerdicts.get(response.address)?.waits ?? 0,
    })),
  );
  const verdicts = await policy.judge({ now: block.timestamp, task, source, config, responses });
  const facts = new Map(responses.map((each) => [each.response.address, each]));
  const decisions = verdicts.flatMap((verdict): Decision[] => {
    const judged = facts.get(verdict.response);
    if (judged === undefined) return [];
    const { response, output } = judged;
    return [
      {
        ...withCeiling(verdict, response, options),
        task: task.address,
        block: { number: block.number, hash: block.hash },
        payloadDigest: output.digest,
        payment: response.payment,
        responseDigest: responseDigest(response),
      },
    ];
  });
  const intent = await journal.decide(decisions, clock.now());
  for (const decision of decisions) report({ type: "verdict", decision });

  const untils = [
    ...decisions.map(({ until }) => until),
    ...undecided.filter(isEarly).map(({ address }) => lastVerdicts.get(address)?.until),
  ].filter((until) => until !== undefined);
  if (intent !== undefined || untils.length === 0) return { intent };
  return { againInMs: Math.max(1, Math.min(...untils) - block.timestamp) * 1000 };
}

/**
 * A verdict settles a response, but for `wait`. What was decided in `shadow`, by the policy's mode or in a dry run, binds
 * that policy alone while it pays nothing, so that enforcing it later judges anew.
 */
function isSettled(
  { verdicts }: TaskRecord,
  { digest, mode }: Pick<Policy, "digest" | "mode">,
  response: Response,
): boolean {
  const bySame = (verdict: Verdict) =>
    verdict.mode === "enforce" || (mode === "shadow" && verdict.policyDigest === digest);
  if (verdicts.some((verdict) => verdict.kind === "confirm" && verdict.mode === "shadow" && bySame(verdict)))
    return true;
  const judged = responseDigest(response);
  return verdicts.some(
    (verdict) =>
      verdict.response === response.address &&
      verdict.responseDigest === judged &&
      verdict.kind !== "wait" &&
      bySame(verdict),
  );
}

function whyNothingToDo({ block, task }: Snapshot): { state: "closed" | "ignored"; reason: string } | undefined {
  if (task.deliveryMethod === DeliveryMethod.FIRST_RESPONSE) {
    return { state: "ignored", reason: "FIRST_RESPONSE: the chain confirms it itself" };
  }
  if (isClosed(task.status)) return { state: "closed", reason: statusName(TaskStatus, task.status) };
  if (block.timestamp >= task.expiryTime) return { state: "closed", reason: "its expiry time has passed" };
  return undefined;
}

function withCeiling(verdict: Verdict, { payment }: Response, { maxPayment, dryRun }: JudgeOptions): Verdict {
  const effective: Verdict = dryRun ? { ...verdict, mode: "shadow" } : verdict;
  if (verdict.kind !== "confirm" || payment <= maxPayment) return effective;
  const reason = `${formatOgpu(payment)} is above sink.maxPayment (${formatOgpu(maxPayment)}): ${verdict.reason}`;
  return { ...effective, kind: "hold", reason };
}

function functionNameOf({ json }: Output): string | undefined {
  if (typeof json !== "object" || json === null || !("function_name" in json)) return undefined;
  return typeof json.function_name === "string" ? json.function_name : undefined;
}
