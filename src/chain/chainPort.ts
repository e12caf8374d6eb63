import type { Observable } from "rxjs";
import type {
  AccountAddress,
  Hash,
  Hex,
  Nonce,
  ResponseAddress,
  SourceAddress,
  TaskAddress,
  UnixSeconds,
  Wei,
} from "../protocol/brand.ts";
import type { ProviderStake, Response, Source, Task } from "../protocol/entities.ts";
import type { ChainEvent } from "../protocol/events.ts";
import type { TwoOpinions } from "./askTwice.ts";
import type { Preview, PreviewAsk } from "./confirmPreviews.ts";
import type { MinedRevert, RevertedCall } from "./minedRevert.ts";
import type { Stretch } from "./pages.ts";
import type { PaymentAsk, PaymentStandings } from "./paymentStandings.ts";
import type { ReceiptError } from "./receiptReads.ts";
import type { TaskStanding } from "./taskStandings.ts";
import type { TermsAt } from "./taskTerms.ts";

export type Head = {
  readonly number: bigint;
  readonly hash: Hash;
  readonly parentHash: Hash;
  readonly timestamp: UnixSeconds;
  /** Wei per gas; `undefined` on a chain without EIP-1559. */
  readonly baseFeePerGas: bigint | undefined;
  /** 256 bytes. */
  readonly logsBloom?: Hex | undefined;
};

/** A task and its responses as they stood in one block. */
export type Snapshot = {
  readonly block: Head;
  readonly task: Task;
  readonly source: Source;
  /**
   * Those that were asked for and that the task's own list holds, in its order: that of the attempts. One that is not there is
   * left out, whatever its contract says.
   */
  readonly responses: readonly Response[];
  /** The task's other responses in that block: nobody has told of them yet. */
  readonly untold: readonly ResponseAddress[];
};

/** What a confirmation would do if it were mined now. */
export type Simulation = { readonly ok: true; readonly gas: bigint } | { readonly ok: false; readonly reason: string };

/** Wei per gas. */
export type Fees =
  | { readonly type: "eip1559"; readonly maxFeePerGas: bigint; readonly maxPriorityFeePerGas: bigint }
  | { readonly type: "legacy"; readonly gasPrice: bigint };

export type Receipt = {
  readonly hash: Hash;
  readonly blockNumber: bigint;
  readonly blockHash: Hash;
  readonly succeeded: boolean;
  /** Gas units. */
  readonly gasUsed: bigint;
  /** Wei per gas; `undefined`: the node does not tell. */
  readonly gasPrice?: bigint | undefined;
};

/** The node's answer to a transaction, classed by what to do about it: see `sink/nodeErrors.ts`. */
export type BroadcastAnswer =
  | { readonly ok: true }
  | {
      readonly ok: false;
      /** The node's own word, and nobody else's; `no answer` where it gave none. */
      readonly message: string;
      /** Why it gave none. For people: it may quote what was said of something else. */
      readonly why?: string;
    };

/** Everything the daemon asks of a chain. Methods reject with `RetryableError` when the endpoint does not answer. */
export type ChainPort = {
  /** New heads. Cold; never completes and never errors: it reconnects. */
  readonly head$: Observable<Head>;
  /** Events pushed over WebSocket, a batch each time. Cold; never completes; may lose events, and says so nowhere. */
  readonly liveEvents$: Observable<readonly ChainEvent[]>;
  readonly head: () => Promise<Head>;
  /**
   * Every event of Nexus in `[from, to]`, in chain order, the hash of the block before them, and the block at `to`, read together.
   * @throws RetryableError if the node does not have `from` or `to` (yet).
   */
  readonly events: (
    from: bigint,
    to: bigint,
  ) => Promise<{ readonly events: readonly ChainEvent[]; readonly parentHash: Hash; readonly last: Head }>;
  /**
   * The same range from another endpoint, where there is one: a second opinion.
   * @throws RetryableError as `events`.
   */
  readonly eventsElsewhere: ChainPort["events"];
  /** The events of these blocks, by hash, in chain order. @throws RpcError if the node does not have one of them. */
  readonly eventsOfBlocks: (blocks: readonly Head[]) => Promise<readonly ChainEvent[]>;
  /** The newest block that can no longer be taken back, by the configured depth or tag. */
  readonly finalBlock: (head: Head) => Promise<bigint>;
  /** The blocks of `[from, to]`; `undefined` for each that the node does not have. */
  readonly blocks: (from: bigint, to: bigint) => Promise<readonly (Head | undefined)[]>;
  /** The block at a height; `undefined` beyond the node's head. */
  readonly block: (number: bigint) => Promise<Head | undefined>;
  /** `undefined` where there is no such contract, so too below; "behind" where the node does not have the block `since` (yet) either. */
  readonly source: (address: SourceAddress, since: bigint) => Promise<Source | "behind" | undefined>;
  /** "behind" as above. */
  readonly sourceOfTask: (address: TaskAddress, since: bigint) => Promise<SourceAddress | "behind" | undefined>;
  /** A stretch of a source's tasks from an index on, oldest first. */
  readonly tasksOfSource: (
    address: SourceAddress,
    from: number,
  ) => Promise<Omit<Stretch<TaskAddress>, "found"> & { readonly tasks: readonly TaskAddress[] }>;
  readonly responsesOfTask: (address: TaskAddress) => Promise<readonly ResponseAddress[]>;
  /** How these tasks stand now, in their order; `undefined` for each that the node does not have. */
  readonly standings: (tasks: readonly TaskAddress[]) => Promise<readonly (TaskStanding | undefined)[]>;
  /** What of these tasks decides whether they are over, in one block, as two endpoints have it. Never rejects. */
  readonly termsByTwo: (tasks: readonly TaskAddress[], block: bigint) => Promise<TwoOpinions<TermsAt>>;
  /** What decides whether these payments can still be made, in the same way; in a lower block, where one of the two lacks this one. */
  readonly paymentsByTwo: (payments: readonly PaymentAsk[], block: bigint) => Promise<TwoOpinions<PaymentStandings>>;
  /** A stretch of the network's sources from an index on, oldest first. */
  readonly sources: (
    from: number,
  ) => Promise<Omit<Stretch<SourceAddress>, "found"> & { readonly sources: readonly SourceAddress[] }>;
  /**
   * Whether one of these is a client's agent; "behind" where none is as the node has it, and it does not have the block `since` (yet).
   */
  readonly hasAgentAmong: (
    client: AccountAddress,
    accounts: readonly AccountAddress[],
    since: bigint,
  ) => Promise<boolean | "behind">;
  /**
   * A task with these responses in one batched read, pinned to one block. Of task, source and responses the chain's word counts:
   * the source is the one that the task names, whichever was asked for.
   * @param source The one that events named; another one costs a request more.
   * @param at The block. @default the newest that the daemon has heard of
   * @throws RetryableError if the node does not have that block, or not the task in it, or does not tell the whole list.
   */
  readonly snapshot: (
    task: TaskAddress,
    source: SourceAddress,
    responses: readonly ResponseAddress[],
    at?: bigint,
  ) => Promise<Snapshot>;
  /** Begins to read a snapshot that is about to be asked for, in the newest block. @default it is read when it is asked for */
  readonly lookAhead?: (task: TaskAddress, source: SourceAddress, responses: readonly ResponseAddress[]) => void;
  /**
   * What Vault and Terminal say of these providers at a block, in one batched read, in the order given; without what reverts.
   * @throws RetryableError if one of them is not answered for.
   */
  readonly providerStakes: (
    providers: readonly AccountAddress[],
    at: bigint,
  ) => Promise<readonly Partial<ProviderStake>[]>;
  /** @returns gas units where it would succeed. */
  readonly simulateConfirm: (from: AccountAddress, response: ResponseAddress) => Promise<Simulation>;
  /** What several confirmations would meet now, in one request; its error for each that cannot be told. */
  readonly previews: (asks: readonly PreviewAsk[]) => Promise<readonly (Preview | Error)[]>;
  /** What a mined transaction reverted with; `undefined` where the node cannot tell. */
  readonly revertOf: (reverted: RevertedCall) => Promise<MinedRevert | undefined>;
  /** What a transaction should offer now. @param urgent It should be mined soon. @default false */
  readonly fees: (urgent?: boolean) => Promise<Fees>;
  /**
   * Transactions mined from an account at a block (default: the head).
   * @param on A block that the node must have, that very one: it may stand on another branch.
   * @throws RetryableError if it does not.
   */
  readonly minedNonce: (account: AccountAddress, at?: bigint, on?: Pick<Head, "number" | "hash">) => Promise<Nonce>;
  /**
   * The same at the newest block of another endpoint, where there is one: a second opinion.
   * @param head The newest block that is known: from one that stands far from it nothing can be learnt.
   * @throws RetryableError if it cannot tell.
   */
  readonly minedNonceElsewhere: (
    account: AccountAddress,
    head: bigint,
  ) => Promise<{ readonly mined: Nonce; readonly block: bigint }>;
  /** With those that the node holds in its pool. */
  readonly pendingNonce: (account: AccountAddress) => Promise<Nonce>;
  /** The same of another endpoint, where there is one: a second opinion. */
  readonly pendingNonceElsewhere: ChainPort["pendingNonce"];
  readonly balance: (account: AccountAddress) => Promise<Wei>;
  /** Never rejects: an answer that did not come is `ok: false` too, and means "perhaps sent". */
  readonly broadcast: (raw: Hex) => Promise<BroadcastAnswer>;
  /** Several, in this order. Never rejects. */
  readonly broadcastAll: (raws: readonly Hex[]) => Promise<readonly BroadcastAnswer[]>;
  /**
   * Those receipts that there are, from a node that has the block `at`: one that is missing was not mined up to there. An
   * error in the place of each that cannot be told.
   * @param hash The block's, where it must be that very one: a node may stand on another branch. A receipt of a block that is not
   *   below it cannot be told then, either.
   * @throws RetryableError if the node does not have that block.
   */
  readonly receiptsAt: (
    hashes: readonly Hash[],
    at: bigint,
    hash?: Hash,
  ) => Promise<readonly (Receipt | ReceiptError)[]>;
  /**
   * What another endpoint, where there is one, has of an account in its newest block: how many transactions are mined, and those
   * receipts that there are.
   * @throws RetryableError if it does not answer.
   */
  readonly minedElsewhere: (
    account: AccountAddress,
    hashes: readonly Hash[],
  ) => Promise<{ readonly mined: Nonce; readonly receipts: readonly (Receipt | ReceiptError)[] }>;
  /**
   * Where the node that answers has one of these transactions in a block of its own, up to `head`, whatever receipts it has;
   * `undefined` if no block that it keeps does, of ten thousand at the most.
   * @param since Milliseconds since 1970: older blocks have none of them.
   * @throws RetryableError if it does not have the head.
   */
  readonly findInBlocks: (
    hashes: readonly Hash[],
    head: bigint,
    since: number,
  ) => Promise<Pick<Receipt, "hash" | "blockNumber"> | undefined>;
  /**
   * Asks another endpoint first for receipts, for a while and where there is one, if the one that answers has this transaction in its
   * own block of that number and no receipt of it. Nobody else's word counts for that.
   */
  readonly passOverForReceipts: (there: Pick<Receipt, "hash" | "blockNumber">, why: Error) => Promise<void>;
  /**
   * Which of these transactions confirmed a response in `[from, head]`, and in which block, by the logs of a node that has
   * that very head. What is missing may be there all the same: it reverted, or the node does not tell. Never rejects.
   */
  readonly confirmedIn: (
    hashes: readonly Hash[],
    from: bigint,
    head: Pick<Head, "number" | "hash">,
  ) => Promise<ReadonlyMap<Hash, bigint>>;
  /** In one request; its error for each that cannot be told. */
  readonly receipts: (hashes: readonly Hash[]) => Promise<readonly (Receipt | Error | undefined)[]>;
};
