import type { Receipt } from "./chain/chainPort.ts";
import type { Confirmation, Decision } from "./journal/journal.ts";

import type { Pause } from "./journal/sinkJournal.ts";
import type { Digest } from "./journal/upkeepJournal.ts";
import type { AccountAddress, Hash, Nonce, ResponseAddress, TaskAddress, UnixSeconds, Wei } from "./protocol/brand.ts";
import type { Funds } from "./sink/funds.ts";
import type { AnswerClass } from "./sink/nodeErrors.ts";

/** What the pipe tells its onlookers (log, metrics, page, demo) of what it did. Nothing depends on anybody listening. */
export type Report =
  /** An endpoint told of its head, new or not. */
  | { readonly type: "head"; readonly number: bigint; readonly timestamp: UnixSeconds }
  | {
      readonly type: "intake";
      readonly via: Via;
      readonly tasks: number;
      readonly responses: number;
      readonly block: bigint | undefined;
    }
  | { readonly type: "task"; readonly task: TaskAddress; readonly state: "closed" | "ignored"; readonly reason: string }
  /** It was settled by what a node showed, and is not over in this final block: it is judged again. */
  | { readonly type: "reopened"; readonly task: TaskAddress; readonly block: bigint }
  /** @param intent The confirmation that it led to. */
  | { readonly type: "verdict"; readonly decision: Decision; readonly intent?: Confirmation | undefined }
  /** A response that was told to wait is judged on by another policy, or another version of it. */
  | {
      readonly type: "policy-changed";
      readonly task: TaskAddress;
      readonly response: ResponseAddress;
      readonly before: string;
      readonly policy: string;
    }
  /** A look went by a policy that was changed, or is gone, before it had come to a verdict: the task is judged anew. */
  | {
      readonly type: "overtaken";
      readonly task: TaskAddress;
      readonly before: string;
      /** The one in force; `undefined`: none matches. */
      readonly policy: string | undefined;
    }
  /** The files of the policies were read again: they are in force now, or the ones before stay. */
  | { readonly type: "policies"; readonly ok: true; readonly policies: readonly string[] }
  | { readonly type: "policies"; readonly ok: false; readonly problems: string }
  /** The operator asked for the files to be read again (SIGHUP); what came of it. @param problems Where they are refused. */
  | { readonly type: "reload"; readonly stage: "began" }
  | { readonly type: "reload"; readonly stage: "ended"; readonly problems: string | undefined }
  /** An evaluation was cut off, and its thread replaced. */
  | { readonly type: "evaluation-killed"; readonly reason: string }
  /** A document or a judge of a response was not asked: too much else is, or was. It is looked at again; that is no try. */
  | {
      readonly type: "no-turn";
      readonly task: TaskAddress;
      readonly response: ResponseAddress;
      readonly reason: string;
    }
  | { readonly type: "unmatched"; readonly task: TaskAddress; readonly reason: string }
  | { readonly type: "overflow"; readonly events: number }
  /** @param receipt What a change rests on; none where a log says that it is mined. */
  | { readonly type: "confirmation"; readonly confirmation: Confirmation; readonly receipt?: Receipt }
  /** Why a mined transaction reverted, as far as the node can tell. */
  | {
      readonly type: "reverted";
      readonly confirmation: Confirmation;
      readonly hash: Hash;
      readonly reason: string;
    }
  | {
      readonly type: "answer";
      readonly confirmation: Confirmation;
      readonly answer: AnswerClass;
      readonly message: string;
    }
  | { readonly type: "postponed"; readonly confirmation: Confirmation; readonly reason: string; readonly forMs: number }
  /** A ceiling keeps it from being signed. @param until Milliseconds since 1970; `undefined`: there is never so much room. */
  | {
      readonly type: "held";
      readonly confirmation: Confirmation;
      readonly cap: string;
      readonly used: Wei;
      readonly limit: Wei;
      readonly until: number | undefined;
    }
  /** Confirmations begin to wait for room under a ceiling; or none does any more. @param until As above, for the first. */
  | ({
      readonly type: "ceiling";
      readonly cap: string;
      /** Whose sum it is: `all`, `policy NAME`, `provider 0x…`. */
      readonly scope: string;
      readonly limit: Wei;
    } & (
      | { readonly reached: true; readonly used: Wei; readonly until: number | undefined }
      | { readonly reached: false }
    ))
  /** Nothing new is signed until somebody resumes. */
  | ({ readonly type: "paused" } & Pause)
  | { readonly type: "resumed"; readonly who: string; readonly why: string }
  /** What a key can pay for, each time that it is read. */
  | ({ readonly type: "funds"; readonly signer: AccountAddress } & Funds)
  /** That begins to be little (`guardrails.warnBelow`), or is enough again. */
  | ({ readonly type: "balance"; readonly signer: AccountAddress; readonly low: boolean } & Funds)
  /**
   * What a key may do: it is this daemon's (`held`), another one or a command holds it (`waiting`), another one has taken it (`lost`); or it cannot
   * pay gas, and is given nothing until it can again.
   *
   * @param by Who holds it. @param until When the other's lease ends, unless it is renewed; milliseconds since 1970.
   */
  | {
      readonly type: "key";
      readonly signer: AccountAddress;
      readonly state: "held" | "waiting" | "lost" | "no-funds" | "funded";
      readonly by?: string;
      readonly until?: number;
    }
  /** Somebody else uses the key, for nonces from one to another. */
  | {
      readonly type: "stranger";
      readonly signer: AccountAddress;
      readonly from: Nonce;
      readonly to: Nonce;
      readonly where: "mined" | "pending";
    }
  /** It is stuck, and a higher fee, or whatever else would free its nonce, would pass this ceiling. */
  | { readonly type: "fee-ceiling"; readonly confirmation: Confirmation; readonly cap: string }
  /**
   * Nodes refuse its bytes for good, as they say; what was done about that: the call signed anew in its nonce, with other gas
   * and fees; given up, its nonce to be used up by a transfer of nothing; or nothing that helps, and a person must look. Or it is
   * not mined, and the key that could replace it is not the daemon's any more (`no-key`): a person must look, too.
   */
  | {
      readonly type: "hopeless";
      readonly confirmation: Confirmation;
      readonly message: string;
      readonly did: "signed-anew" | "gave-up" | "nothing" | "no-key";
    }
  /** A nonce that nobody held, below those in flight, was used up. */
  | { readonly type: "gap-filled"; readonly nonce: Nonce; readonly hash: Hash; readonly answer: AnswerClass }
  | { readonly type: "reorg"; readonly from: bigint; readonly rewindTo: bigint; readonly deep: boolean }
  | { readonly type: "head-behind"; readonly checkpoint: bigint; readonly head: bigint }
  /** Blocks whose bloom promises events and whose answer held none; what another endpoint found in them. */
  | { readonly type: "bloom"; readonly blocks: number; readonly found: number }
  /** Two endpoints have different blocks where none can be taken back any more: one of them lies, or is on a fork. */
  | { readonly type: "disagree"; readonly block: bigint; readonly hashes: readonly [Hash, Hash] }
  /** The second pass, or the sweep, found what the intake had not seen: a defect, of a node or of the daemon. */
  | { readonly type: "missed"; readonly via: Via; readonly tasks: number; readonly responses: number }
  /** A scan has ended: what the endpoint gave is read, up to this block. */
  | { readonly type: "scanned"; readonly block: bigint }
  /** While the scanner catches up. */
  | {
      readonly type: "progress";
      readonly block: bigint;
      readonly head: bigint;
      readonly blocksPerSecond: number;
      readonly eventsPerSecond: number;
      /** Seconds. */
      readonly eta: number;
    }
  | {
      readonly type: "endpoint";
      readonly endpoint: string;
      /** It failed, and is left alone for a while where there is another. */
      readonly event: "down";
      readonly error: Error;
      readonly forMs: number;
    }
  /** It refuses its key or its plan, or its quota is used up: told once, until it answers again. It is left alone as above. */
  | {
      readonly type: "endpoint";
      readonly endpoint: string;
      readonly event: "refused";
      readonly error: Error;
      readonly forMs: number;
    }
  /** It does not do this call; told once, until it does. Others are asked where there are any. */
  | {
      readonly type: "endpoint";
      readonly endpoint: string;
      readonly event: "lacks";
      readonly method: string;
      readonly error: Error;
    }
  /** Its head is far above all that is known, and it cannot show the blocks below it: told once, until one is believed. */
  | {
      readonly type: "endpoint";
      readonly endpoint: string;
      readonly event: "ahead";
      readonly error: Error;
      readonly forMs: number;
    }
  | { readonly type: "endpoint"; readonly endpoint: string; readonly event: "up" }
  /** It was asked too often, and is left alone for so long. */
  | { readonly type: "endpoint"; readonly endpoint: string; readonly event: "limited"; readonly forMs: number }
  /** It refused a batch; from now on so many calls go in one request. */
  | { readonly type: "endpoint"; readonly endpoint: string; readonly event: "batch"; readonly size: number }
  /** It answers from now on, in place of another one. */
  | { readonly type: "endpoint"; readonly endpoint: string; readonly event: "chosen"; readonly before: string }
  /** Housekeeping did a job, or could not. */
  | {
      readonly type: "job";
      readonly job: string;
      readonly ok: true;
      /** What it did, for people. */
      readonly detail: string;
      readonly ms: number;
    }
  | { readonly type: "job"; readonly job: string; readonly ok: false; readonly error: unknown }
  /** What a day brought. */
  | { readonly type: "digest"; readonly digest: Digest }
  /** An IPFS gateway was asked whether it is there; by host. */
  | { readonly type: "gateway"; readonly gateway: string; readonly up: true }
  | { readonly type: "gateway"; readonly gateway: string; readonly up: false; readonly problem: string }
  /** Until when something is good, in milliseconds since 1970. */
  | { readonly type: "expiry"; readonly what: string; readonly at: number; readonly soon: boolean }
  | { readonly type: "socket"; readonly up: true; readonly endpoint: string }
  | { readonly type: "socket"; readonly up: false; readonly error: Error; readonly inMs: number }
  | { readonly type: "retry"; readonly what: string; readonly error: unknown; readonly inMs: number };

/** The ways into the intake; `look`: found by the chain's own list while a task was judged. */
export type Via = "socket" | "scanner" | "sweep" | "audit" | "look";

export type Reporter = (report: Report) => void;
