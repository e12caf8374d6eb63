/** One endpoint as the status page shows it. */
export type EndpointHealth = {
  /** Host and port alone. */
  readonly name: string;
  /** `cooling`: it failed lately; `limited`: it was asked too often; both are left alone where there is another. */
  readonly state: "healthy" | "cooling" | "limited";
  /** How long it is left alone, in ms. */
  readonly forMs: number;
  /** It refuses its key or its plan, or its quota is used up: it did so last. */
  readonly isRefusing: boolean;
  /** Share of recent requests that failed, 0 to 1. */
  readonly failureRate: number;
  /** Failures without an answer between them; 0: it answered last. It may be more while the state is `healthy` again. */
  readonly failuresInRow: number;
  /** Of small requests, in ms; `undefined` before the first. */
  readonly latencyMs: number | undefined;
  readonly head: bigint | undefined;
  /** Blocks behind the newest head of all endpoints. */
  readonly lag: number;
  /** Blocks that its head was above all that is known when it could not show them; 0: its last head was believed. */
  readonly ahead: number;
  /** The most calls that go in one request; 1 where it takes no batches. */
  readonly batchSize: number;
  /** Requests that wait for their turn. */
  readonly queued: number;
  /** What a request is expected to cost, in ms: the least is asked first. */
  readonly cost: number;
};
