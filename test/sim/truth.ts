import type { Hex } from "../../src/protocol/brand.ts";

/** What the actors meant, whatever the daemon may have understood. */
export type Truth = {
  readonly tasks: Map<Hex, TaskTruth>;
  readonly responses: Map<Hex, ResponseTruth>;
};

export type TaskTruth = {
  readonly source: Hex;
  /** Its source is watched, it is confirmed by hand, and its function is under a policy that pays. */
  readonly isOurs: boolean;
  /** Its source is watched, so that its events belong into the journal. */
  readonly isWatched: boolean;
  /** The client, where nothing but its agents makes its source a watched one. */
  readonly byAgentOf: Hex | undefined;
};

export type ResponseTruth = {
  readonly task: Hex;
  readonly provider: Hex;
  /** Wei. */
  readonly price: bigint;
  /** The policy approves it, and its price is under the ceiling. */
  readonly isApproved: boolean;
};

export const createTruth = (): Truth => ({ tasks: new Map(), responses: new Map() });
