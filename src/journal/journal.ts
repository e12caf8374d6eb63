import type { Verdict } from "../policy/policyPort.ts";
import type {
  AccountAddress,
  Hash,
  Hex,
  Nonce,
  ResponseAddress,
  SourceAddress,
  TaskAddress,
  Wei,
} from "../protocol/brand.ts";
import type { Fence, LeaseJournal } from "./leaseJournal.ts";
import type { HeldAnswer, PolicyJournal } from "./policyJournal.ts";
import type { SettledJournal } from "./settledJournal.ts";
import type { Outcome, SinkJournal } from "./sinkJournal.ts";
import type { UpkeepJournal } from "./upkeepJournal.ts";
import type { WithdrawalJournal } from "./withdrawalJournal.ts";

export type BlockRef = { readonly number: bigint; readonly hash: Hash };

/** The last block whose events are all in the journal. */
export type Cursor = BlockRef;

/** What one way in brings: facts about watched tasks, and, from the scanner alone, the new checkpoint. */
export type Intake = {
  readonly tasks: readonly SeenTask[];
  readonly responses: readonly SeenResponse[];
  /** Tasks of which something changed on chain: worth a look although they are known. */
  readonly touched: readonly TaskAddress[];
  readonly cursor?: Cursor;
  /** Blocks by which a later reorg is found: those that come in, and those that need not be known any more. */
  readonly blocks?: { readonly read: readonly BlockRef[]; readonly forgotten: readonly bigint[] };
  /**
   * Blocks above it are void: what was seen there is forgotten, what was settled there is open again. The second pass goes back
   * with the checkpoint.
   */
  readonly rewindTo?: bigint | undefined;
  /** The last block that the second pass has read. */
  readonly audited?: Cursor;
  /** It was read from the chain's state: whose a task or a response is counts before what an event said. @default false */
  readonly isState?: boolean;
};

/** @param block Where an event told of it; `undefined`: the chain's state did, and no event has yet. */
export type SeenTask = {
  readonly task: TaskAddress;
  readonly source: SourceAddress;
  readonly block?: bigint | undefined;
};
export type SeenResponse = {
  readonly response: ResponseAddress;
  readonly task: TaskAddress;
  readonly block?: bigint | undefined;
};

/**
 * `open` tasks are looked at; `closed` ones are settled on chain; `ignored` ones are not the daemon's to pay; `vanished`
 * ones stood in a block that a reorg took back, and are open again when another block brings them.
 */
export type TaskState = "open" | "closed" | "ignored" | "vanished";

export type TaskRecord = {
  readonly task: TaskAddress;
  readonly source: SourceAddress;
  readonly state: TaskState;
  /** Why it is closed or ignored; empty while open. */
  readonly reason: string;
  readonly responses: readonly ResponseAddress[];
  /** Those that a block brought (again) after their newest verdict: a reorg had taken them back, and they are news. */
  readonly reappeared: ReadonlySet<ResponseAddress>;
  /** What a person withdrew before anything was signed for it. It is settled, wherever it appears again. */
  readonly withdrawn: readonly Pick<Confirmation, "response" | "responseDigest">[];
  /** The newest verdict of each response that has one, and how often its documents were waited for. */
  readonly verdicts: readonly VerdictRecord[];
  /** What people said of held responses and nobody carried out yet. */
  readonly answers: readonly HeldAnswer[];
  /** Block of the event that told of it, where one did. */
  readonly seenBlock: bigint | undefined;
  /** The confirmation that holds this task, if any. */
  readonly confirmation: Confirmation | undefined;
};

/** A verdict with what it was based on; append-only. */
export type Decision = Verdict & {
  readonly task: TaskAddress;
  /** Block that the facts were read at. */
  readonly block: Cursor;
  /** SHA-256 of the payload judged, hex; empty where nothing came. */
  readonly payloadDigest: string;
  /** The provider's price, wei. */
  readonly payment: Wei;
  /** What the task pays at the most, wei. */
  readonly offered?: Wei | undefined;
  /** What exactly was judged: see `responseDigest`. */
  readonly responseDigest: string;
  readonly provider?: AccountAddress | undefined;
  /** The verdict `hold` whose answer by a person this carries out. */
  readonly answers?: number | undefined;
};

export type VerdictRecord = Decision & {
  readonly id: number;
  /** Milliseconds since 1970. */
  readonly decidedAt: number;
  /** Verdicts `wait` for a document of this response so far. */
  readonly waits: number;
  /** Those for a window: its documents had come then. Known of a task's record alone, elsewhere 0. */
  readonly windows: number;
};

/**
 * `intended → signed → broadcast → mined → final`; exits `superseded` (somebody else settled the task), `rejected`
 * (nothing was signed: it cannot be paid, or a person withdrew it), `cancelled` (what was signed can never be mined: its
 * nonces are used up, finally) and `dead` (an operator must look). `rejected` and `cancelled` leave the task free for another response; the others hold it for good.
 * That a node took it (`broadcast`) is journalled a round later, and not at all where it is mined by then.
 */
export type ConfirmationState =
  | "intended"
  | "signed"
  | "broadcast"
  | "mined"
  | "final"
  | "superseded"
  | "rejected"
  | "cancelled"
  | "dead";

/** Signed, and nothing final has become of it: it holds a nonce of its key. */
export const isInFlight = (state: ConfirmationState): boolean =>
  state === "signed" || state === "broadcast" || state === "mined";

export type Confirmation = {
  readonly id: number;
  readonly task: TaskAddress;
  readonly response: ResponseAddress;
  readonly verdictId: number;
  /** The provider's price, wei. */
  readonly payment: Wei;
  /** What the task offered, wei; the difference is saved. `undefined` where it was not kept. */
  readonly offered?: Wei | undefined;
  /** What was approved; nothing else is paid, even if it stands at the same address. */
  readonly responseDigest: string;
  readonly state: ConfirmationState;
  readonly reason: string;
  readonly nonce: Nonce | undefined;
  /** Where an attempt was mined, while the chain says so. */
  readonly mined: Mined | undefined;
  /** Every signed attempt, oldest first. */
  readonly attempts: readonly Attempt[];
};

export type Mined = { readonly hash: Hash; readonly blockNumber: bigint };

/** One signed transaction; durable before it is broadcast. */
export type Attempt = {
  /** `cancel` uses the nonce up without paying: a transfer of nothing to oneself. */
  readonly kind: "confirm" | "cancel";
  readonly hash: Hash;
  readonly raw: Hex;
  readonly nonce: Nonce;
  /** Milliseconds since 1970. */
  readonly signedAt: number;
  /** The key that signed it; absent in what was journalled by early versions. Left out when it is recorded. */
  readonly signer?: AccountAddress | undefined;
  /** The most that it can cost in gas, wei; counted, and not read back. */
  readonly maxCost?: Wei;
};

/** An attempt with the confirmation that it is for, and the key that signed it. */
export type NewAttempt = {
  readonly confirmationId: number;
  readonly signer: AccountAddress;
  readonly attempt: Attempt;
  /** The confirmation's reason from then on. @default none: what was said before is done with */
  readonly reason?: string | undefined;
};

export type ConfirmationChange = {
  readonly state: ConfirmationState;
  readonly reason?: string;
  /** Left out: forgotten. */
  readonly mined?: Mined | undefined;
  /** A final block that is without its task: that is `vanished` with it, unless a later block has brought it again. */
  readonly withoutTask?: bigint | undefined;
  /** What one of its nonces did cost in gas, finally. */
  readonly gasPaid?: { readonly signer: AccountAddress; readonly nonce: Nonce; readonly cost: Wei } | undefined;
  /** Counts for the circuit breaker, in the same transaction, where the confirmation was in flight until then: so it counts once. */
  readonly outcome?: Outcome | undefined;
};

/**
 * The daemon's durable memory. Each method is one transaction: it happened whole when its promise resolves, or it did not
 * happen. It is on the disk then, too; but what was read from the chain and would be read there again (what a socket told,
 * an intent, that something is broadcast, mined or final) may come to the disk with the next that must, and a power cut may
 * take it back: never without everything after it. What was signed is on the disk before anybody hears of it. SQLite is the
 * embedded default, PostgreSQL the other; nothing here assumes either.
 */
export type Journal = PolicyJournal &
  SettledJournal &
  SinkJournal &
  LeaseJournal &
  UpkeepJournal &
  WithdrawalJournal & {
    readonly cursor: () => Promise<Cursor | undefined>;
    /** The blocks by which the scanner finds a reorg, newest first: all that may be taken back, and a few of the others. */
    readonly recentBlocks: () => Promise<readonly BlockRef[]>;
    /** How far the second pass has come. */
    readonly audited: () => Promise<Cursor | undefined>;
    /**
     * Stores what is new and moves the cursor; answers the open tasks worth a look. Idempotent. Whose a task or a response is
     * can be corrected by what moves a cursor and by the chain's state, not by what a socket tells.
     */
    readonly intake: (batch: Intake) => Promise<readonly TaskAddress[]>;
    /** Which of these tasks are in the journal. */
    readonly knownTasks: (tasks: readonly TaskAddress[]) => Promise<ReadonlySet<TaskAddress>>;
    /** The tasks of those responses that are in the journal. */
    readonly tasksOfResponses: (
      responses: readonly ResponseAddress[],
    ) => Promise<ReadonlyMap<ResponseAddress, TaskAddress>>;
    /** Open tasks above an address, in the order of their addresses. @param after `undefined`: from the first on. */
    readonly openTasks: (after: TaskAddress | undefined, limit: number) => Promise<readonly TaskAddress[]>;
    /**
     * How many of these no log has told of, by the ways in that read logs; a response counts where a log told of its task.
     */
    readonly untold: (seen: {
      readonly tasks: readonly TaskAddress[];
      readonly responses: readonly ResponseAddress[];
    }) => Promise<{ readonly tasks: number; readonly responses: number }>;
    readonly task: (task: TaskAddress) => Promise<TaskRecord | undefined>;
    /** As much of it as the chain is asked by; `undefined` where it is not open, or a confirmation holds it. */
    readonly glance: (task: TaskAddress) => Promise<Pick<TaskRecord, "source" | "responses"> | undefined>;
    /**
     * @param atBlock Where a node said so; a reorg below it opens the task again, and so does a final block that says otherwise
     *   (`settleFinally`).
     */
    readonly settleTask: (
      task: TaskAddress,
      state: "closed" | "ignored",
      reason: string,
      atBlock: bigint,
    ) => Promise<void>;
    /**
     * Appends the verdicts, and, where one confirms under `enforce`, the intent to pay it: in one transaction, so that
     * no intent stands without its verdict. Answers the intent, or `undefined` where there is none or the task has one.
     */
    readonly decide: (decisions: readonly Decision[], decidedAt: number) => Promise<Confirmation | undefined>;
    /** @throws FatalError if there is none. */
    readonly confirmation: (id: number) => Promise<Confirmation>;
    /** In the order of the IDs. @throws FatalError if one is missing. */
    readonly confirmations: (ids: readonly number[]) => Promise<readonly Confirmation[]>;
    /** Confirmations that the sink still works on, oldest first. */
    readonly unsettled: () => Promise<readonly Confirmation[]>;
    /** The highest nonce ever journalled for a key. */
    readonly highestNonce: (signer: AccountAddress) => Promise<Nonce | undefined>;
    /**
     * Takes the nonce and stores the signed bytes, in one transaction.
     * @param fences Proof that the writer holds the key, where it was ever leased; so too below.
     * @throws FatalError if the nonce belongs to another confirmation, or the confirmation has another nonce;
     *   LeaseLostError if somebody else holds the key; RetryableError `WITHDRAWN` if the confirmation was withdrawn;
     *   ConfigError `PAYING_PAUSED` if it is an intent, and paying is paused.
     */
    readonly recordAttempt: (
      confirmationId: number,
      signer: AccountAddress,
      attempt: Attempt,
      fences?: readonly Fence[],
    ) => Promise<Confirmation>;
    /** Several attempts, in one transaction: all of them, or none. @throws FatalError as `recordAttempt`. */
    readonly recordAttempts: (
      attempts: readonly NewAttempt[],
      fences?: readonly Fence[],
    ) => Promise<readonly Confirmation[]>;
    /**
     * Appends a verdict that confirms under `enforce`, its intent and the first attempt for it, in one transaction: no intent
     * stands that the daemon would pay and its signer knows nothing of, nor a verdict that nothing came of.
     * @throws ConfigError `ALREADY_SENT` if a confirmation holds the task; else as `recordAttempt`.
     */
    readonly recordByHand: (
      decision: Decision,
      signer: AccountAddress,
      attempt: Attempt,
      decidedAt: number,
      fences?: readonly Fence[],
    ) => Promise<Confirmation>;
    /**
     * `final` and `superseded` close the task with it.
     * @throws LeaseLostError if it is in flight, and somebody else holds the key that signed it.
     */
    readonly changeConfirmation: (
      id: number,
      change: ConfirmationChange,
      fences?: readonly Fence[],
    ) => Promise<Confirmation>;
    /** Those that are still `signed` are `broadcast` now. @throws LeaseLostError as above. */
    readonly markBroadcast: (ids: readonly number[], fences?: readonly Fence[]) => Promise<void>;
    /** Several changes, in one transaction. @throws LeaseLostError as above. */
    readonly changeConfirmations: (
      changes: readonly { readonly id: number; readonly change: ConfirmationChange }[],
      fences?: readonly Fence[],
    ) => Promise<readonly Confirmation[]>;
    /** Writes something of no meaning. @throws what keeps the journal from being written. */
    readonly touch: (now: number) => Promise<void>;
    readonly close: () => Promise<void>;
  };
