/** A stranger's answer after the guarded fetch. What stands in it is data: nothing in it executes. */
export type Output = {
  /** Fetched, within every limit, JSON, and matching the policy's schema where it has one. */
  readonly valid: boolean;
  /** Parsed JSON, `null` where there is none. */
  readonly json: unknown;
  /** UTF-8 text, empty where nothing came. */
  readonly text: string;
  /** Length of the body in bytes. */
  readonly bytes: number;
  /** `true` when the bytes hash to the CID that names them. */
  readonly cidVerified: boolean;
  /** Why it is not valid; empty where it is. Never holds a piece of the body. */
  readonly error: string;
  /** The failure may pass (endpoint down, time-out): look again later rather than judge. */
  readonly transient: boolean;
  /** Nobody was asked for it: too much else is fetched, from its host or altogether. That counts as no try. */
  readonly unasked?: true;
  /** SHA-256 of the body, hex; empty where nothing came. */
  readonly digest: string;
};

export type FetchLimits = {
  readonly maxBytes: number;
  /** Milliseconds for the whole fetch, the wait for its turn included. */
  readonly timeoutMs: number;
  /** A task's config: without it nothing of the task can be judged, and so it has turns of its own. @default false */
  readonly isConfig?: boolean;
};

export type PayloadPort = {
  /**
   * Resolves `data` (a URL, inline JSON or text). Never rejects: what goes wrong is the output's `error`.
   *
   * @param released Until it resolves the output takes part of the memory for payloads, and other fetches wait for that.
   *   @default it is released at once
   */
  readonly fetch: (data: string, limits: FetchLimits, released?: Promise<void>) => Promise<Output>;
};
