import type { UnixSeconds } from "../../protocol/brand.ts";
import type { CandidateResponse, WaitsFor } from "../policyPort.ts";
import type { Assessment } from "../program.ts";

/** What becomes of one response. */
export type Decision =
  | { readonly kind: "confirm" | "reject"; readonly reason: string }
  | { readonly kind: "hold"; readonly reason: string; readonly waitsFor: WaitsFor }
  | Wait;

type Wait = {
  readonly kind: "wait";
  readonly reason: string;
  readonly until: UnixSeconds;
  readonly waitsFor: WaitsFor;
  /** Nobody was asked for its document, nor a judge for his word. */
  readonly unasked?: true;
};

export type Judged = { readonly item: CandidateResponse; readonly decision: Decision };

type Eligible = Assessment & { readonly kind: "eligible" };

/** A response that may be paid, as far as it goes by itself. */
export type Contender = { readonly item: CandidateResponse; readonly assessment: Eligible };

/** @param waitsFor @default "document" */
export const hold = (reason: string, waitsFor: WaitsFor = "document"): Decision => ({ kind: "hold", reason, waitsFor });
export const reject = (reason: string): Decision => ({ kind: "reject", reason });
export const confirm = (reason: string): Decision => ({ kind: "confirm", reason });
