import { type ResponseAddress, type UnixSeconds, unixSeconds } from "../../protocol/brand.ts";
import { isTooLate } from "../../protocol/statuses.ts";
import { isLeftToPerson } from "../isLeftToPerson.ts";
import type { Candidate, CandidateResponse, Policy, Verdict } from "../policyPort.ts";
import { type Bound, withTooDear } from "../withTooDear.ts";

/** What is known of a response by what was said of it so far. */
type Told = {
  readonly verdict: Verdict;
  /** How often its documents were waited for. */
  readonly waits: number;
};

const maxSteps = 10_000;

/**
 * Lets a policy judge a task as the daemon would have in time: it looks when a response comes, and when it said that it would
 * look again. Deterministic: time is the chain's.
 *
 * @param bound @default no ceilings
 * @returns the verdict that confirms, or the last ones of all responses where none does.
 */
export async function replayTask(
  policy: Policy,
  task: Candidate,
  bound: Bound = (verdict) => verdict,
): Promise<readonly Verdict[]> {
  const candidate = { ...task, responses: withTooDear(policy, task.responses, bound) };
  const told = new Map<ResponseAddress, Told>();
  const times = new Set(candidate.responses.map(({ response }) => response.submittedAt));
  for (let step = 0; step < maxSteps && times.size > 0; step++) {
    const now = unixSeconds(Math.min(...times));
    if (isTooLate(candidate.task, now)) break;
    const seen = whatIsSeen(policy, candidate, told, now);
    const verdicts = seen.responses.length > 0 ? await policy.judge(seen) : [];
    const bounded = verdicts.map((verdict) => {
      const item = seen.responses.find(({ response }) => response.address === verdict.response);
      return item ? { item, verdict: bound(verdict, item.response, policy.caps) } : undefined;
    });
    const said = bounded.filter((each) => each !== undefined);
    const winner = said.find(({ verdict }) => verdict.kind === "confirm");
    if (winner) return [winner.verdict];
    for (const { item, verdict } of said) {
      if (verdict.until !== undefined && verdict.until > now) times.add(verdict.until);
      if (!isStillAwaited(item, verdict)) told.set(verdict.response, { verdict, waits: waitsAfter(item, verdict) });
    }
    // Who was to be paid is held: what was left aside for them is looked at in the same moment.
    if (!verdicts.some(({ kind }) => kind === "confirm")) times.delete(now);
  }
  return [...told.values()].map(({ verdict }) => verdict);
}

/** The task as a look at this moment would have gathered it. */
function whatIsSeen(
  policy: Policy,
  candidate: Candidate,
  told: ReadonlyMap<ResponseAddress, Told>,
  now: UnixSeconds,
): Candidate {
  const lastOn = ({ response }: CandidateResponse) => told.get(response.address)?.verdict;
  const open = candidate.responses.filter(({ response }) => response.submittedAt <= now);
  const undecided = open
    .filter((item) => (lastOn(item)?.kind ?? "wait") === "wait")
    .map((item) => {
      const { waits = 0, verdict } = told.get(item.response.address) ?? {};
      return { ...item, waits, waitsUntil: verdict?.waitsFor === "window" ? undefined : untilOf(verdict, now) };
    });
  const due = undecided.filter((item) => untilOf(lastOn(item), now) === undefined);
  const responses = due.length > 0 && policy.comparesSiblings ? undecided : due;
  const judged = new Set(responses.map(({ response }) => response.address));
  const others = open.filter(({ response }) => !judged.has(response.address));
  return {
    ...candidate,
    now,
    responses,
    // Of one that nobody has judged the payload was not fetched.
    settled: others.map((item) => ({ response: item.response, digest: lastOn(item) ? item.output.digest : "" })),
    isLeftToPerson: isLeftToPerson(open.map(lastOn), policy),
  };
}

/** Until when it was told to wait, where that time is still to come. */
const untilOf = (verdict: Verdict | undefined, now: UnixSeconds): UnixSeconds | undefined =>
  verdict?.until !== undefined && verdict.until > now ? verdict.until : undefined;

/** Looked at before its time, beside others, and its document did not come: it waits as it was told to. */
const isStillAwaited = ({ waitsUntil }: CandidateResponse, { kind, waitsFor }: Verdict): boolean =>
  kind === "wait" && waitsFor === "document" && waitsUntil !== undefined;

const waitsAfter = ({ waits }: CandidateResponse, { kind, waitsFor }: Verdict): number =>
  kind === "wait" && waitsFor === "document" ? waits + 1 : waits;
