/** One value that somebody gave, and where. */
export type Entry = {
  readonly key: string;
  readonly value: unknown;
  /** For people: `config.yaml:3:9`, `environment OGPU_RPC_HTTP`, `--rpc-http`. */
  readonly origin: string;
  /** Where the elements of a list stand, where that is known. */
  readonly itemOrigins?: readonly string[];
};

/** Something that the operator has to correct. */
export type Issue = { readonly key: string; readonly origin: string; readonly problem: string };

/** What one source says: the known keys, and what is wrong with the rest. */
export type Layer = { readonly entries: readonly Entry[]; readonly issues: readonly Issue[] };

/** Reads a file as UTF-8 text; throws as `readFileSync` does. */
export type ReadFile = (path: string) => string;
/** The environment, as `process.env` has it. */
export type Environment = Readonly<Record<string, string | undefined>>;
