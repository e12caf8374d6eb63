import type { AssessOptions } from "../evaluator.ts";
import type { Assessment, Program } from "../program.ts";

/** What the worker is told. */
export type Order =
  | { readonly type: "load"; readonly program: Program }
  | { readonly type: "forget"; readonly digest: string }
  | {
      readonly type: "assess";
      readonly id: number;
      readonly digest: string;
      /** `FactsJson` as text: it travels at a third of the price of an object. */
      readonly facts: readonly string[];
      readonly stopAtEligible: AssessOptions["stopAtEligible"];
    };

/** What the worker answers. */
export type Answer =
  | { readonly type: "ready" }
  | { readonly type: "loaded"; readonly digest: string; readonly error: string }
  /** One response is assessed; the order's next one begins, or the order is `done`. */
  | { readonly type: "assessed"; readonly id: number; readonly assessment: Assessment; readonly done: boolean }
  /** There was nothing to assess: the program is compiled, and that was all. */
  | { readonly type: "done"; readonly id: number };
