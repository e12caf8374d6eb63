import type { Assessor } from "./assessor.ts";
import type { AssessOptions } from "./evaluator.ts";
import type { FactsJson } from "./factsJson.ts";
import type { Assessment } from "./program.ts";

/** Assesses one after the other in this thread, and none after the first that is eligible where the options say so. */
export function assessInOrder(
  assess: Assessor,
  facts: readonly FactsJson[],
  { stopAtEligible }: Pick<AssessOptions, "stopAtEligible">,
): readonly Assessment[] {
  const assessments: Assessment[] = [];
  for (const each of facts) {
    const assessment = assess(each);
    assessments.push(assessment);
    if (stopAtEligible && assessment.kind === "eligible") break;
  }
  return assessments;
}
