import type { FactsJson } from "../factsJson.ts";
import type { SignalSpec } from "../policySpec.ts";

export type SignalAnswer = { readonly ok: true; readonly answer: unknown } | SignalFailure;

export type SignalFailure = {
  readonly ok: false;
  /** Holds nothing of what the judge wrote. */
  readonly error: string;
  /** The judge was not asked, since its hour is used up: milliseconds until it can be. That counts as no try. */
  readonly againInMs?: number;
};

/** Asks external judges. */
export type Signals = {
  /** Never rejects. What was answered once for the same response and payload is not asked again. */
  readonly ask: (signal: SignalSpec, facts: FactsJson) => Promise<SignalAnswer>;
};

/** For the simulator and the tools: no judge can be asked. */
export const noSignals: Signals = {
  ask: async ({ name }) => ({ ok: false, error: `the judge ${name} cannot be asked here` }),
};
