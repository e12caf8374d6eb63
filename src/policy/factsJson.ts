/**
 * The facts about one response as plain JSON: what the worker is sent, what an HTTP judge and a plug-in get, what a
 * test writes, and what the journal keeps. Amounts are decimal wei in text; addresses are lower-case hex; times are
 * unix seconds.
 */
export type FactsJson = {
  readonly now: number;
  readonly task: {
    readonly address: string;
    readonly source: string;
    readonly payment: string;
    readonly expiryTime: number;
    readonly deliveryMethod: string;
    readonly function: string;
    /** The config document; `null` where there is none, or no expression reads it. */
    readonly config: unknown;
  };
  readonly source: {
    readonly address: string;
    readonly client: string;
    readonly minPayment: string;
    readonly status: string;
  };
  readonly response: ResponseJson;
  readonly output: OutputJson;
  /** Each part only where an expression reads it. */
  readonly provider?: { readonly address: string } & Partial<StakeJson & HistoryJson>;
  readonly siblings?: readonly (ResponseJson & { readonly digest: string })[];
  /** Answers of the judges, by name; absent until they were asked. */
  readonly signals?: Readonly<Record<string, unknown>>;
};

export type ResponseJson = {
  readonly address: string;
  readonly provider: string;
  readonly payment: string;
  readonly submittedAt: number;
};

/** `json` and `text` are empty where no expression reads them. */
export type OutputJson = {
  readonly valid: boolean;
  readonly json: unknown;
  readonly text: string;
  readonly bytes: number;
  readonly cidVerified: boolean;
  readonly error: string;
  readonly digest: string;
};

type StakeJson = { readonly lockup: string; readonly eligible: boolean; readonly master: string };

type HistoryJson = {
  readonly seen: number;
  readonly approved: number;
  readonly rejected: number;
  /** Mean price of the approved ones; "0" where there is none. */
  readonly price: string;
};
