import type { AccountAddress, SourceAddress, Wei } from "../protocol/brand.ts";
import type { PolicyCaps, PolicyMode, StrategyName } from "./policyPort.ts";

/** A policy as its file says, checked key by key; expressions and schema are not compiled yet. */
export type PolicySpec = {
  readonly name: Located<string>;
  readonly mode: PolicyMode;
  /** Lower comes first; then the file's name decides. */
  readonly order: number;
  readonly match: MatchSpec;
  /** Path of a JSON Schema, relative to the policies folder. */
  readonly schema: Located<string> | undefined;
  readonly maxBytes: number;
  readonly timeoutMs: number;
  /** Only a payload whose bytes hash to the CID that names them is taken. */
  readonly requireCid: boolean;
  readonly caps: PolicyCaps;
  /** How often a payload or a judge that did not come is looked for again. */
  readonly retries: number;
  readonly strategy: StrategySpec;
  readonly eligible: ScalarText | undefined;
  readonly plugin: PluginSpec | undefined;
  readonly signals: readonly SignalSpec[];
  /** Milliseconds that the evaluation of one response may take. */
  readonly budgetMs: number;
  /** Test files, relative to the policies folder. */
  readonly tests: Located<string> | undefined;
};

/** `undefined` matches everything. */
export type MatchSpec = {
  readonly sources: ReadonlySet<SourceAddress> | undefined;
  readonly clients: ReadonlySet<AccountAddress> | undefined;
  readonly functions: ReadonlySet<string> | undefined;
  /** Numbers of `DeliveryMethod`. */
  readonly delivery: ReadonlySet<number> | undefined;
  /** The task's payment, wei, both ends included. */
  readonly payment: { readonly min: Wei | undefined; readonly max: Wei | undefined } | undefined;
};

export type StrategySpec = {
  readonly name: StrategyName;
  readonly score: ScalarText | undefined;
  readonly quorum: QuorumSpec | undefined;
  readonly window: WindowSpec | undefined;
  readonly ties: Ties;
};

export type Ties = "earliest" | "cheapest" | "hold";

export type QuorumSpec = {
  readonly count: number;
  readonly key: ScalarText | undefined;
  readonly pick: "cheapest" | "first";
  readonly without: "hold" | "cheapest" | "first";
  /** The agreeing answers came within this many seconds of one another. */
  readonly withinSeconds: number | undefined;
  /** When it may decide: as soon as enough agree, or when the window closes. */
  readonly decide: "reached" | "closed";
};

export type WindowSpec = {
  readonly from: "firstEligible" | "published";
  readonly seconds: number;
  /** The latest close; an expression. */
  readonly latest: ScalarText;
};

export type PluginSpec = {
  /** Relative to the policies folder. */
  readonly file: Located<string>;
  /** JSON. */
  readonly options: unknown;
};

/** An external judge that is asked over HTTP. */
export type SignalSpec = {
  readonly name: string;
  readonly url: string;
  readonly timeoutMs: number;
  readonly retries: number;
  /** Requests in an hour, at the most; answers are asked for once. */
  readonly perHour: number;
  /** Name of the secret that requests are signed with: an environment variable. */
  readonly secret: string | undefined;
};

/** A value with its offset into the file. */
export type Located<T> = { readonly value: T; readonly offset: number };

/** A text scalar, and where each of its characters stands in the file. */
export type ScalarText = { readonly value: string; readonly offsetOf: (index: number) => number };

/** Every key that a policy may have, by the map it stands in; `policies/policy.schema.json` says the same to editors. */
export const policyKeys = {
  policy: [
    ...["apiVersion", "name", "mode", "order", "match", "caps", "output", "strategy", "eligible", "score", "quorum"],
    ...["window", "ties", "signals", "plugin", "budget", "retries", "onError", "tests"],
  ],
  match: ["sources", "clients", "functions", "delivery", "payment"],
  payment: ["min", "max"],
  output: ["schema", "maxBytes", "timeout", "require"],
  caps: ["perTask", "perHour", "perDay", "perProviderHour"],
  quorum: ["count", "key", "pick", "without", "within", "decide"],
  window: ["from", "for", "latest"],
  signal: ["url", "timeout", "retries", "perHour", "secret"],
  plugin: ["file", "options"],
} as const;

export const strategyNames = ["first", "best", "cheapest", "quorum", "manual"] as const;

export const apiVersion = "ogpu-confirmd/v1";

export const policyDefaults = {
  mode: "shadow",
  order: 100,
  maxBytes: 256 * 1024,
  timeoutMs: 5_000,
  retries: 3,
  budgetMs: 50,
  windowSeconds: 120,
  latest: 'task.expiry - duration("10m")',
  signal: { timeoutMs: 10_000, retries: 2, perHour: 100 },
} as const;

export const policyCeilings = {
  maxBytes: 16 * 1024 * 1024,
  timeoutMs: 300_000,
  retries: 10,
  budgetMs: 1_000,
  order: 1_000_000,
  windowSeconds: 30 * 24 * 3_600,
  quorum: 100,
  signal: { timeoutMs: 120_000, retries: 5, perHour: 100_000 },
} as const;
