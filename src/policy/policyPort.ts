import type { FetchLimits, Output } from "../payload/payloadPort.ts";
import type { AccountAddress, ResponseAddress, SourceAddress, UnixSeconds, Wei } from "../protocol/brand.ts";
import type { ProviderStake, Response, Source, Task } from "../protocol/entities.ts";
import type { Needs } from "./needs.ts";

/** What a policy judges: a task with its undecided responses, as they stood in one block. */
export type Candidate = {
  /** Timestamp of the block that was read: the chain's clock. */
  readonly now: UnixSeconds;
  readonly task: Task;
  readonly source: Source;
  /** The task's config document; its `function_name` and `data`. */
  readonly config: Output;
  /** When the task was published, where the daemon saw it. */
  readonly publishedAt?: UnixSeconds | undefined;
  /** In order of submission; only those that no verdict has settled. */
  readonly responses: readonly CandidateResponse[];
  /** The task's other responses, settled already: `siblings` of those that are judged. */
  readonly settled?: readonly Sibling[];
  /** A person is to decide between some of those: see `isLeftToPerson`. @default false */
  readonly isLeftToPerson?: boolean;
};

export type CandidateResponse = {
  readonly response: Response;
  readonly output: Output;
  /** How often its documents were waited for so far. */
  readonly waits: number;
  /** Told to wait for its documents until then, it is looked at before its time beside the others: no retry is counted. */
  readonly waitsUntil?: UnixSeconds | undefined;
  /** It waited for a window before: its documents had come, and it was eligible. @default false */
  readonly cameBefore?: boolean;
  /** A ceiling is below its price: it would be held, not paid, and agrees with others all the same. @default false */
  readonly isTooDear?: boolean;
  /** Each part where `Policy.needs` says so. */
  readonly provider?: Partial<ProviderStake & ProviderHistory>;
};

export type Sibling = {
  readonly response: Response;
  /** SHA-256 of its payload, hex; empty where it is not known. */
  readonly digest: string;
};

/** What our own journal says of a provider: responses judged, approved and rejected. */
export type ProviderHistory = {
  readonly seen: number;
  readonly approved: number;
  readonly rejected: number;
  /** Mean price of the approved ones, wei; zero where there is none. */
  readonly price: Wei;
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
  readonly waitsFor?: WaitsFor;
  readonly policy: string;
  /** SHA-256 of the policy as it was written, hex. */
  readonly policyDigest: string;
  readonly mode: PolicyMode;
  /** What the verdict is based on; absent where nothing was evaluated. */
  readonly facts?: RecordedFacts | undefined;
};

/**
 * What a `wait` or a `hold` is about: the response by itself (`document`), or the comparison with others (`window`). With
 * `wait` a document or a judge is tried a few times, or the window is still open; with `hold` a person decides on this one
 * response, or between those that were compared. Early versions left it out of a `hold`. A `wait` for the `turn` of a document,
 * or of a judge, which was not asked yet, is no try, and is not journalled; it is a `document` once others wait for it.
 */
export type WaitsFor = "document" | "window" | "turn";

/** Facts as the journal keeps them, for replay. */
export type RecordedFacts = {
  /** SHA-256 of the facts that were evaluated, hex. */
  readonly digest: string;
  /** `FactsJson`; without the payload's own text where that is too long to keep. */
  readonly json: string;
};

/** Ceilings for guardrails: wei. `perTask` is kept by the policy itself, and where a person approves, the others by whoever pays. */
export type PolicyCaps = {
  readonly perTask: Wei | undefined;
  readonly perHour: Wei | undefined;
  readonly perDay: Wei | undefined;
  readonly perProviderHour: Wei | undefined;
};

export type Policy = {
  readonly name: string;
  readonly digest: string;
  readonly mode: PolicyMode;
  readonly strategy: StrategyName;
  readonly caps: PolicyCaps;
  readonly limits: FetchLimits;
  /** The facts to gather for `judge`. */
  readonly needs: Needs;
  /** The strategy compares responses with one another: it is given every undecided one each time. */
  readonly comparesSiblings: boolean;
  /**
   * At most one `confirm` among the verdicts.
   * @throws RetryableError if a stop cut the evaluation off: nothing is decided. Nothing else.
   */
  readonly judge: (candidate: Candidate) => Promise<readonly Verdict[]>;
};

export type StrategyName = "first" | "best" | "cheapest" | "quorum" | "manual";

/** What policies are matched by. A policy that asks for what is not given here does not match. */
export type Matchable = {
  readonly source: SourceAddress;
  readonly functionName: string | undefined;
  /** The config document could not be read: it may name any function. */
  readonly isConfigUnread?: boolean;
  readonly client?: AccountAddress | undefined;
  /** See `DeliveryMethod`. */
  readonly deliveryMethod?: number | undefined;
  /** The task's payment, wei. */
  readonly payment?: Wei | undefined;
};

export type PolicySet = {
  readonly policies: readonly Policy[];
  /** The first policy that matches, in the set's order; `undefined` too where one before it may match. */
  readonly select: (task: Matchable) => Policy | undefined;
};
