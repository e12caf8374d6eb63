import type { FetchLimits, Output } from "../payload/payloadPort.ts";
import type { ResponseAddress, SourceAddress, UnixSeconds } from "../protocol/brand.ts";
import type { Response, Source, Task } from "../protocol/entities.ts";

/** What a policy judges: a task with its undecided responses, as they stood in one block. */
export type Candidate = {
  /** Timestamp of the block that was read: the chain's clock. */
  readonly now: UnixSeconds;
  readonly task: Task;
  readonly source: Source;
  /** The task's config document; its `function_name` and `data`. */
  readonly config: Output;
  /** In order of submission; only those that no verdict has settled. */
  readonly responses: readonly CandidateResponse[];
};

export type CandidateResponse = {
  readonly response: Response;
  readonly output: Output;
  /** Verdicts `wait` that this response has had so far. */
  readonly waits: number;
};

/** `shadow` decides and logs, never pays. */
export type PolicyMode = "shadow" | "enforce";

/**
 * What a policy says of one response. Whatever throws, times out or is unknown becomes `wait` or `hold`, never `confirm`.
 * `reject` and `hold` settle the response (a held one waits for a person); `wait` has it judged again at `until`.
 */
export type Verdict = {
  readonly response: ResponseAddress;
  readonly kind: "confirm" | "reject" | "wait" | "hold";
  readonly reason: string;
  /** Only with `wait`: when to look again, by the chain's clock. */
  readonly until: UnixSeconds | undefined;
  readonly policy: string;
  /** SHA-256 of the policy as it was written, hex. */
  readonly policyDigest: string;
  readonly mode: PolicyMode;
};

export type Policy = {
  readonly name: string;
  readonly digest: string;
  readonly mode: PolicyMode;
  readonly limits: FetchLimits;
  /** At most one `confirm` among the verdicts. Never rejects. */
  readonly judge: (candidate: Candidate) => Promise<readonly Verdict[]>;
};

export type PolicySet = {
  readonly policies: readonly Policy[];
  /** The first policy that matches, in the set's order. */
  readonly select: (task: {
    readonly source: SourceAddress;
    readonly functionName: string | undefined;
  }) => Policy | undefined;
};
