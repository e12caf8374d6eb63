import type { Policy, Verdict } from "./policyPort.ts";

/**
 * Whether a person is to decide between responses of a task, because a comparison could not tell whom to pay. Nobody else of
 * the task is paid before that: it would be in their place. What is held for its own sake holds up nobody.
 *
 * @param verdicts The newest on each response that the task still has; `undefined` where there is none.
 */
export function isLeftToPerson(
  verdicts: Iterable<Verdict | undefined>,
  { comparesSiblings }: Pick<Policy, "comparesSiblings">,
): boolean {
  for (const verdict of verdicts) {
    if (verdict?.kind !== "hold") continue;
    // Versions that did not note what a hold is about: in doubt, it is about the comparison.
    if (verdict.waitsFor === "window" || (verdict.waitsFor === undefined && comparesSiblings)) return true;
  }
  return false;
}
