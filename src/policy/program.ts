/** A policy's judging as plain data: what is compiled in the worker that evaluates it, and here to check it. */
export type Program = {
  /** The policy's digest: the program's key. */
  readonly digest: string;
  readonly eligible: string | undefined;
  /** `best`: the higher the better. */
  readonly score: string | undefined;
  /** `quorum`: answers with equal keys agree. */
  readonly key: string | undefined;
  /** The output's JSON Schema and those that it refers to, by path inside the policies folder. */
  readonly schema: SchemaSource | undefined;
  readonly plugin: PluginSource | undefined;
};

export type SchemaSource = { readonly path: string; readonly documents: Readonly<Record<string, unknown>> };

/** A plug-in's text, so that what runs is what was digested. */
export type PluginSource = {
  readonly path: string;
  readonly text: string;
  /** JSON out of the policy file. */
  readonly options: unknown;
};

/** What an evaluation says of one response, before the strategy compares it with its siblings. */
export type Assessment =
  | {
      readonly kind: "eligible";
      readonly score?: number | bigint | undefined;
      readonly key?: string | undefined;
      /** Given by a plug-in. */
      readonly reason?: string;
    }
  /** Whatever does not ask a judge holds: now the judges are worth their price. */
  | { readonly kind: "needs-signals" }
  | { readonly kind: "reject" | "hold"; readonly reason: string };
