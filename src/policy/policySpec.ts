import type { SourceAddress, Wei } from "../protocol/brand.ts";
import type { PolicyMode } from "./policyPort.ts";

/** A policy as its file says, checked key by key; the expression and the schema are not compiled yet. */
export type PolicySpec = {
  readonly name: Located<string>;
  readonly mode: PolicyMode;
  /** `undefined` matches everything. */
  readonly sources: ReadonlySet<SourceAddress> | undefined;
  readonly functions: ReadonlySet<string> | undefined;
  /** Path of a JSON Schema, relative to the policies folder. */
  readonly schema: Located<string> | undefined;
  readonly maxBytes: number;
  readonly timeoutMs: number;
  readonly perTask: Wei | undefined;
  /** How often a payload that did not come is looked for again. */
  readonly retries: number;
  readonly eligible: ScalarText;
};

/** A value with its offset into the file. */
export type Located<T> = { readonly value: T; readonly offset: number };

/** A text scalar, and where each of its characters stands in the file. */
export type ScalarText = { readonly value: string; readonly offsetOf: (index: number) => number };

/** Every key that a policy may have, by the map it stands in; `policies/policy.schema.json` says the same to editors. */
export const policyKeys = {
  policy: ["apiVersion", "name", "mode", "match", "caps", "output", "strategy", "eligible", "retries", "onError"],
  match: ["sources", "functions"],
  output: ["schema", "maxBytes", "timeout"],
  caps: ["perTask"],
} as const;

/** Keys of the format that a later version reads: an operator gets a clear answer, not "unknown key". */
export const laterKeys: Readonly<Record<keyof typeof policyKeys, readonly string[]>> = {
  policy: ["window", "ties", "tests"],
  match: [],
  output: ["require"],
  caps: ["perHour", "perDay", "perProviderHour"],
};

export const laterStrategies = ["best", "cheapest", "quorum", "manual"] as const;

export const apiVersion = "ogpu-confirmd/v1";

export const policyDefaults = {
  mode: "shadow",
  maxBytes: 256 * 1024,
  timeoutMs: 5_000,
  retries: 3,
} as const;

export const policyCeilings = {
  maxBytes: 64 * 1024 * 1024,
  timeoutMs: 300_000,
  retries: 10,
} as const;
