import { type UnixSeconds, unixSeconds } from "../../protocol/brand.ts";
import { isLeftToPerson } from "../isLeftToPerson.ts";
import type { Candidate, Policy, Verdict } from "../policyPort.ts";

const maxSteps = 10_000;

/**
 * Lets a policy judge a task as it would have in time: it looks when a response comes, and when it said that it would
 * look again. Deterministic: time is the chain's.
 *
 * @returns the verdict that confirms, or the last ones of all responses where none does.
 */
export async function replayTask(policy: Policy, candidate: Candidate): Promise<readonly Verdict[]> {
  const settled = new Map<string, Verdict>();
  const last = new Map<string, Verdict>();
  const times = new Set(candidate.responses.map(({ response }) => Number(response.submittedAt)));
  for (let step = 0; step < maxSteps && times.size > 0; step++) {
    const now = Math.min(...times);
    times.delete(now);
    if (now >= candidate.task.expiryTime) break;
    const open = candidate.responses.filter(
      ({ response }) => response.submittedAt <= now && !settled.has(response.address),
    );
    const left = isLeftToPerson(settled.values(), policy);
    const seen = { ...candidate, now: unixSeconds(now) as UnixSeconds, responses: open, isLeftToPerson: left };
    const verdicts = await policy.judge(seen);
    for (const verdict of verdicts) {
      last.set(verdict.response, verdict);
      if (verdict.kind === "confirm") return [verdict];
      if (verdict.kind !== "wait") settled.set(verdict.response, verdict);
      else if (verdict.until !== undefined && verdict.until > now) times.add(verdict.until);
    }
  }
  return [...last.values()];
}
