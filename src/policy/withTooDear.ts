import type { Response } from "../protocol/entities.ts";
import type { CandidateResponse, Policy, PolicyCaps, Verdict } from "./policyPort.ts";

/** What the ceilings make of a verdict: what costs more than one of them is held. @param caps The policy's own. */
export type Bound = (verdict: Verdict, response: Response, caps: PolicyCaps) => Verdict;

/** The responses, each with whether a ceiling would hold it if it were to be paid. */
export function withTooDear(
  { name, digest, mode, caps }: Policy,
  responses: readonly CandidateResponse[],
  bound: Bound,
): readonly CandidateResponse[] {
  const paid = { kind: "confirm", reason: "", until: undefined, policy: name, policyDigest: digest, mode } as const;
  return responses.map((each) => {
    const { kind } = bound({ ...paid, response: each.response.address }, each.response, caps);
    return { ...each, isTooDear: kind !== "confirm" };
  });
}
