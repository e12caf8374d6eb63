import { type UnixSeconds, unixSeconds } from "../protocol/brand.ts";
import type { Evaluator } from "./evaluator.ts";
import type { FactsJson } from "./factsJson.ts";
import { gatherFacts, recordFacts } from "./gatherFacts.ts";
import { awaitJudge, type Guards, guardResponse, holdTask, waitOrHold } from "./guards.ts";
import type { Candidate, CandidateResponse, RecordedFacts } from "./policyPort.ts";
import type { SignalSpec, WindowSpec } from "./policySpec.ts";
import type { Assessment, Program } from "./program.ts";
import type { Signals } from "./signals/signalsPort.ts";
import { type Contender, confirm, type Decision, hold, type Judged, reject } from "./strategies/judged.ts";
import type { Strategy } from "./strategies/strategy.ts";
import { closesAt } from "./strategies/window.ts";

export type JudgeRules = Guards & {
  readonly program: Program;
  readonly evaluator: Evaluator;
  readonly budgetMs: number;
  /** Pays the first that is eligible: the ones after it are not looked at. */
  readonly stopsAtFirst: boolean;
  readonly strategy: Strategy;
  readonly window: WindowSpec | undefined;
  /** The window's latest close by a task's facts, in unix seconds; `undefined` where it cannot be evaluated. */
  readonly latest: (facts: FactsJson) => number | undefined;
  readonly signals: readonly SignalSpec[];
  readonly judges: Signals;
};

/** A response with what was decided of it, and the facts that this rests on. */
type Verdicts = readonly (Judged & { readonly facts?: RecordedFacts | undefined })[];

type Entry = { readonly item: CandidateResponse; facts: FactsJson | undefined; outcome: Assessment | Decision };

/**
 * Judges the responses of a task: each on its own first, by its facts; then, where the strategy compares, over all that
 * are eligible. One that waits for its payload does not stop the others: a provider whose endpoint is down cannot hold
 * up anybody else, but for a moment where it had answered before.
 *
 * @throws whatever reading a broken fact throws; `createPolicy` holds the task then. RetryableError as `Policy.judge`.
 */
export async function judge(rules: JudgeRules, candidate: Candidate): Promise<Verdicts> {
  const inOrder = [...candidate.responses].sort((a, b) => a.response.submittedAt - b.response.submittedAt);
  const unpayable = holdTask(candidate);
  if (unpayable) return inOrder.map((item) => ({ item, decision: unpayable }));
  const entries = await assessAll(rules, candidate, inOrder);
  const ofContender = compare(rules, candidate, entries);
  return entries.flatMap(({ item, facts, outcome }) => {
    const decision = outcome.kind === "eligible" ? ofContender(item) : settled(outcome);
    return decision ? [{ item, decision, ...(facts && { facts: recordFacts(facts) }) }] : [];
  });
}

async function assessAll(
  rules: JudgeRules,
  candidate: Candidate,
  inOrder: readonly CandidateResponse[],
): Promise<readonly Entry[]> {
  const guarded = inOrder.map((item) => ({ item, outcome: guardResponse(rules, candidate, item) }));
  const open = guarded.filter(({ outcome }) => outcome === undefined).map(({ item }) => item);
  const facts = new Map(gatherFacts(candidate, open, rules.needs).map((each, index) => [open[index], each]));
  const entries: Entry[] = [];
  // Where nobody is paid, each is judged: a person has to see them all.
  const stopsAtFirst = rules.stopsAtFirst && candidate.isLeftToPerson !== true;
  const options = { budgetMs: rules.budgetMs, stopAtEligible: stopsAtFirst };
  const assessed = [...facts.values()];
  const outcomes = assessed.length > 0 ? await rules.evaluator.assess(rules.program, assessed, options) : [];
  let next = 0;
  for (const { item, outcome } of guarded) {
    if (outcome) {
      entries.push({ item, facts: undefined, outcome });
      continue;
    }
    const entry: Entry = { item, facts: facts.get(item), outcome: outcomes[next++] ?? hold("it was not evaluated") };
    if (next > outcomes.length) break;
    entries.push(entry);
    if (stopsAtFirst) await askJudges(rules, candidate, entry);
    if (stopsAtFirst && entry.outcome.kind === "eligible") break;
  }
  if (!stopsAtFirst) await Promise.all(entries.map((entry) => askJudges(rules, candidate, entry)));
  return entries;
}

/** Where only the judges' word is missing, they are asked, and the response is assessed again with it. */
async function askJudges(rules: JudgeRules, candidate: Candidate, entry: Entry): Promise<void> {
  if (entry.outcome.kind !== "needs-signals" || !entry.facts) return;
  const { facts, item } = entry;
  const answers = await Promise.all(rules.signals.map((signal) => rules.judges.ask(signal, facts)));
  const failures = answers.flatMap((answer) => (answer.ok ? [] : [answer]));
  // One that did not answer was asked: that counts as a try, whoever else was not.
  const failure = failures.find(({ againInMs }) => againInMs === undefined) ?? failures[0];
  if (failure) {
    entry.outcome = awaitJudge(rules, candidate, item, failure);
    return;
  }
  const signals = Object.fromEntries(
    rules.signals.map(({ name }, index) => [name, (answers[index] as { readonly answer: unknown }).answer]),
  );
  entry.facts = { ...facts, signals };
  const [outcome] = await rules.evaluator.assess(rules.program, [entry.facts], {
    budgetMs: rules.budgetMs,
    stopAtEligible: false,
  });
  entry.outcome = outcome ?? hold("it was not evaluated");
}

/** What the comparison makes of those that are eligible; `undefined`: nothing is said of one, because another one wins. */
function compare(
  rules: JudgeRules,
  candidate: Candidate,
  entries: readonly Entry[],
): (item: CandidateResponse) => Decision | undefined {
  const contenders = entries.flatMap(({ item, outcome }): Contender[] =>
    outcome.kind === "eligible" ? [{ item, assessment: outcome }] : [],
  );
  if (contenders.length === 0) return () => undefined;
  const all = (decision: Decision) => () => decision;
  const ends = endsOf(rules, candidate, entries, contenders);
  if (ends === undefined) return all(hold("the window's latest close could not be evaluated", "window"));
  const { close } = ends;
  const putOff = putOffUntil(rules, candidate, entries, ends);
  const choice = rules.strategy(contenders, close <= candidate.now && putOff === undefined);
  if (choice.kind === "nobody") return all(hold(choice.reason, "window"));
  if (candidate.isLeftToPerson) {
    return all(hold("eligible, and came while a person decides between others of this task", "window"));
  }
  switch (choice.kind) {
    case "winner": {
      const { item: winner, assessment } = choice.winner;
      const decision = confirm(assessment.reason ? `${choice.reason}: ${assessment.reason}` : choice.reason);
      return (item) => (item === winner ? decision : undefined);
    }
    case "open":
      return all({
        kind: "wait",
        reason:
          putOff === undefined ? choice.reason : "the window is closed, and a document to compare with is tried again",
        until: putOff ?? close,
        waitsFor: "window",
      });
    default:
      return choice satisfies never;
  }
}

/**
 * Until when a comparison is put off whose window is closed; `undefined`: it is not. Who came before the close, and whose
 * documents had come, or were asked of nobody, may be the one to pay: it is tried again, as often as the policy says, and never
 * after the window's latest close. One that was asked for, and has never come, holds up nobody.
 */
function putOffUntil(
  rules: JudgeRules,
  candidate: Candidate,
  entries: readonly Entry[],
  { close, latest }: Ends,
): UnixSeconds | undefined {
  const { now } = candidate;
  if (close > now || latest <= now) return undefined;
  const untils = entries.flatMap((entry) => {
    const { item, outcome } = entry;
    if (outcome.kind !== "wait" || item.response.submittedAt > close) return [];
    if (!item.cameBefore && !outcome.unasked) return [];
    // Others wait for it now: that is a try.
    const tried = outcome.waitsFor === "turn" ? waitOrHold(rules, candidate, item, outcome.reason) : outcome;
    if (tried.kind !== "wait") return [];
    entry.outcome = tried;
    return [tried.until];
  });
  return untils.length === 0 ? undefined : unixSeconds(Math.min(latest, ...untils));
}

/** Nothing but a strategy confirms, whatever an evaluation answered. */
function settled(outcome: Exclude<Entry["outcome"], { readonly kind: "eligible" }>): Decision {
  switch (outcome.kind) {
    case "wait":
      return outcome;
    case "reject":
      return reject(outcome.reason);
    case "hold":
      return hold(outcome.reason);
    case "needs-signals":
      return hold("its judges were not asked");
    default:
      return hold("the evaluation answered no verdict");
  }
}

/** When a window closes, and when it would at the latest. */
type Ends = { readonly close: UnixSeconds; readonly latest: UnixSeconds };

function endsOf(
  { window, latest }: JudgeRules,
  candidate: Candidate,
  entries: readonly Entry[],
  contenders: readonly Contender[],
): Ends | undefined {
  if (!window) return { close: candidate.now, latest: candidate.now };
  const facts = entries.find((entry) => entry.facts)?.facts;
  const last = facts && latest(facts);
  if (last === undefined) return undefined;
  const all = [...candidate.responses, ...(candidate.settled ?? [])];
  const [earliest] = all.map(({ response }) => response.submittedAt).sort((a, b) => a - b);
  const { expiryTime } = candidate.task;
  const close = closesAt(window, contenders, {
    expiryTime,
    latest: last,
    publishedAt: candidate.publishedAt,
    firstSubmittedAt: earliest ?? candidate.now,
  });
  return { close, latest: unixSeconds(Math.min(last, expiryTime - 1)) };
}
