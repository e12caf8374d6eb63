import type { FactsJson } from "./factsJson.ts";
import type { Assessment, Program } from "./program.ts";

export type AssessOptions = {
  /** Milliseconds that one response may take. */
  readonly budgetMs: number;
  /** Stop after the first that is eligible: the rest is not assessed. */
  readonly stopAtEligible: boolean;
};

/** Where programs run: in a worker that can be killed, or in this thread, where that does no harm. */
export type Evaluator = {
  /**
   * Compiles programs before they are needed.
   * @throws TypeError if one cannot be: with the worker also where that takes too long. RetryableError as `assess`.
   */
  readonly prepare: (programs: readonly Program[]) => Promise<void>;
  /**
   * Assesses the responses in order; the answer is shorter where it stopped early. What throws, takes too long or
   * eats the memory is held.
   * @throws RetryableError `EVALUATION_CUT_OFF` if it was closed before it was done; nothing else.
   */
  readonly assess: (
    program: Program,
    facts: readonly FactsJson[],
    options: AssessOptions,
  ) => Promise<readonly Assessment[]>;
  readonly close: () => Promise<void>;
};
