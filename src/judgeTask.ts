import type { ChainPort, Snapshot } from "./chain/chainPort.ts";
import type { Clock } from "./clock.ts";
import { gatherCandidate } from "./gatherCandidate.ts";
import { isSettled, verdictOn } from "./isSettled.ts";
import type { Confirmation, Decision, Journal, TaskRecord, VerdictRecord } from "./journal/journal.ts";
import { type LookDeps, type Looked, lookAt } from "./lookAt.ts";
import type { Output, PayloadPort } from "./payload/payloadPort.ts";
import { whileHeld } from "./payload/whileHeld.ts";
import { isLeftToPerson } from "./policy/isLeftToPerson.ts";
import { configLimits, matchableOf } from "./policy/matchableOf.ts";
import type { CandidateResponse, Policy, PolicySet, Verdict } from "./policy/policyPort.ts";
import { type PolicyStore, toStore } from "./policy/policyStore.ts";
import { type Bound, withTooDear } from "./policy/withTooDear.ts";
import type { TaskAddress } from "./protocol/brand.ts";
import type { Response } from "./protocol/entities.ts";
import { responseDigest } from "./protocol/responseDigest.ts";
import { ResponseStatus } from "./protocol/statuses.ts";
import type { Reporter } from "./report.ts";
import { waitsUntil } from "./waitsUntil.ts";
import { whyNothingToDo } from "./whyNothingToDo.ts";
import { type PriceLimits, unbounded, withCeiling } from "./withCeiling.ts";

type JudgeDeps = {
  readonly chain: ChainPort;
  readonly journal: Journal;
  readonly isWatched: LookDeps["isWatched"];
  readonly payload: PayloadPort;
  /** A set that stays as it is, or a store whose set may change between two looks. */
  readonly policies: PolicySet | PolicyStore;
  readonly clock: Clock;
  readonly report: Reporter;
};

export type JudgeOptions = PriceLimits & {
  /** Verdicts are recorded as `shadow`: nothing is paid. */
  readonly dryRun: boolean;
};

export type Judged = {
  readonly intent?: Confirmation | undefined;
  /** When something of this task is due, in milliseconds. */
  readonly againInMs?: number;
};

const configRetryMs = 30_000;
const behindRetryMs = 1_000;

/**
 * One look at one task: reads it from the chain, fetches what its undecided responses point to, lets the policy judge,
 * and journals the verdicts together with the intent to pay, if there is one.
 *
 * @throws RetryableError if the chain could not be read, or a stop cut the evaluation off. Nothing was decided then.
 */
export function judgeTask(deps: JudgeDeps, options: JudgeOptions, address: TaskAddress): Promise<Judged> {
  return whileHeld(deps.payload, (payload) => lookOnce({ ...deps, payload }, options, address));
}

async function lookOnce(deps: JudgeDeps, options: JudgeOptions, address: TaskAddress): Promise<Judged> {
  const { journal, payload, policies, report } = deps;
  const looked = await lookAt(deps, address);
  if (looked === undefined) return {};
  const { record, snapshot } = looked;
  const end = whyNothingToDo(snapshot.task, snapshot.block.timestamp);
  if (end !== undefined) {
    await journal.settleTask(address, end.state, end.reason, snapshot.block.number);
    report({ type: "task", task: address, ...end });
    return {};
  }
  if (!snapshot.responses.some((response) => response.status === ResponseStatus.SUBMITTED)) return {};

  const approved = await applyAnswers(deps, options, record, snapshot);
  if (approved !== undefined) return { intent: approved };

  const config = await payload.fetch(snapshot.task.config, configLimits);
  const matchable = matchableOf(snapshot.task, snapshot.source, config);
  const store = toStore(policies);
  const set = store.current();
  const policy = set.select(matchable);
  const inForce = () => (store.current() === set ? policy : store.current().select(matchable));
  if (policy === undefined) {
    report({ type: "unmatched", task: address, reason: config.error });
    return config.transient ? { againInMs: configRetryMs } : {};
  }
  // What a person has just rejected is settled: the record is read again.
  const settled = record.answers.length > 0 ? ((await journal.task(address)) ?? record) : record;
  return judgeBy(deps, options, { policy, inForce }, { record: settled, snapshot, config });
}

/** The policy that a look began with, and the one that is in force for its task now. */
type Chosen = { readonly policy: Policy; readonly inForce: () => Policy | undefined };

async function judgeBy(
  deps: JudgeDeps,
  options: JudgeOptions,
  { policy, inForce }: Chosen,
  { record, snapshot, config }: Looked & { readonly config: Output },
): Promise<Judged> {
  const { journal, clock, report } = deps;
  const { block } = snapshot;
  const binding = { digest: policy.digest, mode: options.dryRun ? "shadow" : policy.mode } as const;
  const lastVerdicts = new Map(record.verdicts.map((verdict) => [verdict.response, verdict]));
  const earlyUntil = ({ address }: Response) => waitsUntil(lastVerdicts.get(address), policy, block.timestamp);
  const open = snapshot.responses.filter(({ status }) => status === ResponseStatus.SUBMITTED);
  const undecided = open.filter((response) => !isSettled(record, binding, response));
  for (const { address } of undecided) reportChange(deps, policy, lastVerdicts.get(address));
  const due = undecided.filter((response) => earlyUntil(response) === undefined);
  const judged = due.length > 0 && policy.comparesSiblings ? undecided : due;
  const gathered = await gatherCandidate(deps, policy, { record, snapshot, config }, judged);
  const before = open.map((response) => verdictOn(record, binding, response));
  const bound: Bound = (verdict, response, caps) => withCeiling(verdict, response, options, caps, "document");
  const responses = withTooDear(policy, gathered.responses, bound);
  const candidate = { ...gathered, responses, isLeftToPerson: isLeftToPerson(before, policy) };
  const verdicts = await policy.judge(candidate);
  const facts = new Map(candidate.responses.map((each) => [each.response.address, each]));
  const decisions = verdicts.flatMap((verdict): Decision[] => {
    const found = facts.get(verdict.response);
    if (found === undefined || isStillAwaited(verdict, found)) return [];
    if (verdict.waitsFor === "turn") {
      report({ type: "no-turn", task: record.task, response: verdict.response, reason: verdict.reason });
      return [];
    }
    const { response, output } = found;
    const decision: Decision = {
      ...bound(asDone(verdict, options), response, policy.caps),
      ...basisOf(snapshot, response),
      payloadDigest: output.digest,
    };
    // What a ceiling holds is settled by being written down, and nothing else leaves its task to the others.
    if (verdict.kind === "confirm") return [decision];
    return isRepeated(decision, lastVerdicts.get(verdict.response)) ? [] : [decision];
  });
  // Payloads and judges take their time: what is not decided by now goes by the files that are in force now.
  const now = inForce();
  if (now?.digest !== policy.digest) {
    report({ type: "overtaken", task: record.task, before: policy.name, policy: now?.name });
    return { againInMs: 0 };
  }
  const intent = await journal.decide(decisions, clock.now());
  tell(report, decisions, intent);
  if (intent !== undefined) return { intent };

  const approved = new Set(verdicts.filter(({ kind }) => kind === "confirm").map(({ response }) => response));
  const heldBack = decisions.filter(({ kind, response }) => kind === "hold" && approved.has(response));
  // What the policy left aside, having found one to pay, may be cheaper than that.
  if (heldBack.length > 0 && undecided.length > verdicts.length) {
    // A node that is behind the block which brought it again: the hold does not settle it yet.
    const isBehind = heldBack.some((held) => isHeldSince(block, lastVerdicts.get(held.response)));
    return { againInMs: isBehind ? behindRetryMs : 0 };
  }
  const untils = [...verdicts.map(({ until }) => until), ...undecided.map(earlyUntil)].filter(
    (until) => until !== undefined,
  );
  if (untils.length === 0) return {};
  return { againInMs: Math.max(1, Math.min(...untils) - block.timestamp) * 1000 };
}

const basisOf = ({ block, task }: Snapshot, response: Response) => ({
  task: task.address,
  block: { number: block.number, hash: block.hash },
  payment: response.payment,
  offered: task.payment,
  responseDigest: responseDigest(response),
  provider: response.provider,
});

/** In a dry run nothing is paid, whatever the policy's mode. */
const asDone = (verdict: Verdict, { dryRun }: JudgeOptions): Verdict =>
  dryRun ? { ...verdict, mode: "shadow" } : verdict;

/**
 * One that was looked at before its time, beside another, and whose document did not come: it waits as it was told to. A retry
 * that nobody had to wait for is none, or a few siblings in a row would use all of them up in seconds.
 */
const isStillAwaited = ({ kind, waitsFor }: Verdict, { waitsUntil: until }: CandidateResponse): boolean =>
  kind === "wait" && waitsFor === "document" && until !== undefined;

/**
 * A window that is still open says nothing new each time that another response comes; nor does a rejection or a hold of what
 * is as it was, where a node had answered out of a later block than it was asked for, and the response seems to have come again.
 */
function isRepeated(
  { kind, until, policyDigest, mode, reason, responseDigest: judged }: Decision,
  last: VerdictRecord | undefined,
): boolean {
  if (last?.kind !== kind || last.policyDigest !== policyDigest || last.reason !== reason) return false;
  if (kind === "wait") return last.until === until;
  return last.mode === mode && last.responseDigest === judged;
}

/** Its newest verdict holds it, in this block or a later one. */
const isHeldSince = ({ number }: Snapshot["block"], last: VerdictRecord | undefined): boolean =>
  last?.kind === "hold" && last.block.number >= number;

function reportChange({ report }: JudgeDeps, policy: Policy, last: VerdictRecord | undefined): void {
  if (last?.kind !== "wait" || last.policyDigest === policy.digest) return;
  const { task, response, policy: before } = last;
  report({ type: "policy-changed", task, response, before, policy: policy.name });
}

/**
 * Carries out what people said of held responses: on the chain as it is now, under the same ceiling, and only for the
 * very response that they were shown. Of several approvals that pay, one is: the others stay unanswered in the journal, for the case
 * that this one cannot be paid.
 */
async function applyAnswers(
  { journal, policies, clock, report }: JudgeDeps,
  options: JudgeOptions,
  { answers, verdicts }: TaskRecord,
  snapshot: Snapshot,
): Promise<Confirmation | undefined> {
  const decisions = answers.flatMap(({ verdictId, kind, who, why }): Decision[] => {
    const held = verdicts.find(({ id }) => id === verdictId);
    const response = snapshot.responses.find(({ address }) => address === held?.response);
    if (!held || !response || response.status !== ResponseStatus.SUBMITTED) return [];
    const { policy, policyDigest, mode, payloadDigest, waitsFor } = held;
    const isSame = held.responseDigest === responseDigest(response);
    const isRefused = isSame && kind !== "approve";
    const said = { approve: "approved", reject: "rejected", expire: "expired" }[kind];
    const verdict: Verdict = {
      response: response.address,
      kind: !isSame ? "hold" : isRefused ? "reject" : "confirm",
      reason: isSame ? `${said} by ${who}: ${why}` : "the response is not the one that was held",
      until: undefined,
      // Where it is held again, it is held for the same as before.
      ...(!isSame && waitsFor && { waitsFor }),
      policy,
      policyDigest,
      // A person's refusal pays nobody, and binds: also where it is carried out in a dry run, and whatever policy had asked.
      mode: isRefused ? "enforce" : mode,
    };
    // About what was held, not about what stands there now: that is judged anew.
    const about = isSame ? {} : { payment: held.payment, responseDigest: held.responseDigest };
    const decision = { ...basisOf(snapshot, response), ...about, payloadDigest, answers: verdictId };
    const done = isRefused ? verdict : asDone(verdict, options);
    const caps = toStore(policies).capsOf(policy);
    const bounded =
      caps === undefined ? unbounded(done, waitsFor) : withCeiling(done, response, options, caps, waitsFor);
    return [{ ...bounded, ...decision }];
  });
  const [, ...others] = decisions.filter(({ kind, mode }) => kind === "confirm" && mode === "enforce");
  const now = decisions.filter((decision) => !others.includes(decision));
  if (now.length === 0) return undefined;
  const intent = await journal.decide(now, clock.now());
  tell(report, now, intent);
  return intent;
}

function tell(report: Reporter, decisions: readonly Decision[], intent: Confirmation | undefined): void {
  for (const decision of decisions) {
    report({ type: "verdict", decision, ...(intent?.response === decision.response && { intent }) });
  }
}
