import type { AssessOptions } from "../evaluator.ts";
import type { Assessment, Program } from "../program.ts";

/** Responses to assess by one program; it survives the thread that it was begun in. */
export type Job = {
  readonly program: Program;
  /** `FactsJson` as text. */
  readonly facts: readonly string[];
  readonly options: AssessOptions;
  /** So far, in order. */
  readonly assessments: Assessment[];
  /** The response at which a thread was cut off; it may have been the machine's fault, so it is tried once again. */
  struckAt: number;
  readonly settle: (assessments: readonly Assessment[]) => void;
  /** For a job that only compiles: what is wrong with the program. */
  readonly refuse: ((reason: string) => void) | undefined;
};

/** Ends a job with what is assessed so far; the rest is held. */
export function abandon({ facts, assessments, settle, refuse }: Job, reason: string): void {
  if (refuse) refuse(reason);
  else settle([...assessments, ...facts.slice(assessments.length).map(() => ({ kind: "hold", reason }) as const)]);
}

/**
 * What a lost thread means for its job: the response at hand is held if it lost one before; the others go on.
 * @returns whether anything is left to do.
 */
export function strike(job: Job, reason: string): boolean {
  const culprit = job.assessments.length;
  if (job.struckAt !== culprit) job.struckAt = culprit;
  else job.assessments.push({ kind: "hold", reason: `the evaluation ${reason}` });
  if (job.assessments.length < job.facts.length) return true;
  job.settle(job.assessments);
  return false;
}
