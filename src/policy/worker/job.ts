import { RetryableError } from "../../errors.ts";
import type { AssessOptions } from "../evaluator.ts";
import type { FactsJson } from "../factsJson.ts";
import type { Assessment, Program } from "../program.ts";

/** Responses to assess by one program; it survives the thread that it was begun in. */
export type Job = {
  readonly program: Program;
  readonly facts: readonly FactsJson[];
  readonly options: AssessOptions;
  /** So far, in order. */
  readonly assessments: Assessment[];
  /** The response at which a thread was cut off; it may have been the machine's fault, so it is tried once again. -1: none was. */
  struckAt: number;
  readonly settle: (assessments: readonly Assessment[]) => void;
  /** Ends it without a word on any response. */
  readonly fail: (error: Error) => void;
  /** For a job that only compiles: what is wrong with the program. */
  readonly refuse: ((reason: string) => void) | undefined;
};

/** Ends a job with what is assessed so far; the rest is held. */
export function abandon({ facts, assessments, settle, refuse }: Job, reason: string): void {
  if (refuse) refuse(reason);
  else settle([...assessments, ...facts.slice(assessments.length).map(() => ({ kind: "hold", reason }) as const)]);
}

/** Ends a job because the daemon stops: that says nothing of the responses, and a person would have to answer for them. */
export function cutOff({ fail }: Job): void {
  const message = "the daemon stopped before the evaluation was done: nothing is decided";
  fail(
    new RetryableError(message, { code: "EVALUATION_CUT_OFF", remedy: "the daemon looks again when it is started" }),
  );
}

/**
 * The facts of a job's next order, as text; none where nothing is left. A message that does not fit into a thread's heap ends not
 * the thread but the process, and so an order has a bound; facts that do not fit into one are held here and now. A thread
 * reads all facts of an order before it begins, and what one response needs for that would be blamed on another: once a
 * thread was cut off, each goes by itself.
 *
 * @param mostChars Characters of all texts together.
 */
export function nextTexts(job: Job, mostChars: number): readonly string[] {
  const texts: string[] = [];
  let chars = 0;
  for (;;) {
    const facts = job.facts[job.assessments.length + texts.length];
    if (facts === undefined || (job.struckAt >= 0 && texts.length > 0)) return texts;
    const text = textOf(facts, mostChars);
    if (text === undefined && texts.length === 0) {
      job.assessments.push({
        kind: "hold",
        reason: "its facts, the payload among them, are too large to be evaluated",
      });
      continue;
    }
    if (text === undefined || (texts.length > 0 && chars + text.length > mostChars)) return texts;
    texts.push(text);
    chars += text.length;
  }
}

function textOf(facts: FactsJson, mostChars: number): string | undefined {
  try {
    // In JSON it is longer still, up to six times.
    if (facts.output.text.length > mostChars) return undefined;
    const text = JSON.stringify(facts);
    return text.length > mostChars ? undefined : text;
  } catch {
    return undefined;
  }
}

/** Whether responses are left to assess. */
export const isUnfinished = ({ facts, assessments, options }: Job): boolean =>
  assessments.length < facts.length && !(options.stopAtEligible && assessments.at(-1)?.kind === "eligible");

/**
 * What a lost thread means for its job: the response at hand is held if it lost one before; the others go on.
 * @returns whether anything is left to do.
 */
export function strike(job: Job, reason: string): boolean {
  const culprit = job.assessments.length;
  if (job.struckAt !== culprit) job.struckAt = culprit;
  else job.assessments.push({ kind: "hold", reason: `the evaluation ${reason}` });
  if (isUnfinished(job)) return true;
  job.settle(job.assessments);
  return false;
}
