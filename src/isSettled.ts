import type { TaskRecord, VerdictRecord } from "./journal/journal.ts";
import type { Policy } from "./policy/policyPort.ts";
import type { Response } from "./protocol/entities.ts";
import { responseDigest } from "./protocol/responseDigest.ts";

/** The policy that judges now; its mode is `shadow` in a dry run. */
type Binding = Pick<Policy, "digest" | "mode">;

/**
 * What was decided in `shadow`, by the policy's mode or in a dry run, binds that policy alone while it pays nothing, so that
 * enforcing it later judges anew.
 */
const binds = (verdict: VerdictRecord, { digest, mode }: Binding): boolean =>
  verdict.mode === "enforce" || (mode === "shadow" && verdict.policyDigest === digest);

/** The newest verdict on this very response, as it stands on the chain now, where it binds and is not `wait`. */
export function verdictOn(
  { verdicts }: Pick<TaskRecord, "verdicts">,
  policy: Binding,
  response: Response,
): VerdictRecord | undefined {
  const newest = verdicts.find((verdict) => verdict.response === response.address);
  if (newest === undefined || newest.kind === "wait" || !binds(newest, policy)) return undefined;
  return newest.responseDigest === responseDigest(response) ? newest : undefined;
}

/**
 * A verdict settles a response, but for `wait`, and unless a reorg brought it anew. So does a person who withdrew it, for good: a
 * block that brings it again is no news of what is wrong with it. One that pays in shadow settles all of the task.
 */
export function isSettled(record: TaskRecord, policy: Binding, response: Response): boolean {
  const isPaidInShadow = record.verdicts.some(
    (verdict) => verdict.kind === "confirm" && verdict.mode === "shadow" && binds(verdict, policy),
  );
  if (isPaidInShadow) return true;
  const isWithdrawn = record.withdrawn.some(
    (each) => each.response === response.address && each.responseDigest === responseDigest(response),
  );
  if (isWithdrawn) return true;
  return !record.reappeared.has(response.address) && verdictOn(record, policy, response) !== undefined;
}
