/** A figure of ours beside the same work done by the peer, and by the least that could do it. */
export type Row = {
  readonly label: string;
  readonly unit: string;
  readonly ours: number;
  /** What a user would have without this program; `undefined`: there is none. */
  readonly peer?: number | undefined;
  /** What the machine gives: the same input with nothing done to it that could be left out. */
  readonly limit?: number | undefined;
};

export type Goal = { readonly what: string; readonly wanted: string; readonly got: string; readonly met: boolean };

export type Outcome = {
  /** The first one is the headline. */
  readonly rows: readonly [Row, ...Row[]];
  readonly goals: readonly Goal[];
  /** What was done, for a reader who wants to do it again; every figure of every round. */
  readonly detail: Readonly<Record<string, unknown>>;
};

export type Benchmark = {
  readonly name: string;
  /** One line. */
  readonly what: string;
  /** Whether each process is kept on a core of its own. @default true */
  readonly isPinned?: boolean;
  readonly run: (options: { readonly rounds: number; readonly log: (line: string) => void }) => Promise<Outcome>;
};

/** A goal that wants at least so much. */
export const atLeast = (what: string, wanted: number, got: number): Goal => ({
  what,
  wanted: `≥ ${round(wanted)}`,
  got: round(got),
  met: got >= wanted,
});

/** A goal that wants at most so much. */
export const atMost = (what: string, wanted: number, got: number): Goal => ({
  what,
  wanted: `≤ ${round(wanted)}`,
  got: round(got),
  met: got <= wanted,
});

/** Three digits below a thousand, none after the point above. */
export const round = (value: number): string =>
  value >= 1_000
    ? Math.round(value).toLocaleString("en").replaceAll(",", " ")
    : String(Math.round(value * 1_000) / 1_000);
