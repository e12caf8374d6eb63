import type { UnixSeconds } from "../../protocol/brand.ts";
import type { CandidateResponse } from "../policyPort.ts";
import type { Assessment } from "../program.ts";

/** What becomes of one response. */
export type Decision =
  | { readonly kind: "confirm" | "reject" | "hold"; readonly reason: string }
  | {
      readonly kind: "wait";
      readonly reason: string;
      readonly until: UnixSeconds;
      readonly waitsFor: "document" | "window";
    };

export type Judged = { readonly item: CandidateResponse; readonly decision: Decision };

export type Eligible = Assessment & { readonly kind: "eligible" };

/** A response that may be paid, as far as it goes by itself. */
export type Contender = { readonly item: CandidateResponse; readonly assessment: Eligible };

export const hold = (reason: string): Decision => ({ kind: "hold", reason });
export const reject = (reason: string): Decision => ({ kind: "reject", reason });
export const confirm = (reason: string): Decision => ({ kind: "confirm", reason });
