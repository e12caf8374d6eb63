import type { AssessOptions } from "../evaluator.ts";
import type { FactsJson } from "../factsJson.ts";
import type { Assessment, Program } from "../program.ts";

/** What the worker is told. */
export type Order =
  | { readonly type: "load"; readonly program: Program }
  | {
      readonly type: "assess";
      readonly id: number;
      readonly digest: string;
      readonly facts: readonly FactsJson[];
      readonly stopAtEligible: AssessOptions["stopAtEligible"];
    };

/** What the worker answers. */
export type Answer =
  | { readonly type: "ready" }
  | { readonly type: "loaded"; readonly digest: string; readonly error: string }
  /** The facts have arrived: from now on time counts. */
  | { readonly type: "begun"; readonly id: number }
  /** One response is assessed, and the next one begins. */
  | { readonly type: "assessed"; readonly id: number; readonly assessment: Assessment }
  | { readonly type: "done"; readonly id: number };
