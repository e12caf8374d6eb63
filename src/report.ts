import type { Receipt } from "./chain/chainPort.ts";
import type { Confirmation, Decision } from "./journal/journal.ts";
import type { TaskAddress } from "./protocol/brand.ts";
import type { AnswerClass } from "./sink/nodeErrors.ts";

/** What the pipe tells its onlookers (log, metrics, page, demo) of what it did. Nothing depends on anybody listening. */
export type Report =
  | {
      readonly type: "intake";
      readonly via: Via;
      readonly tasks: number;
      readonly responses: number;
      readonly block: bigint | undefined;
    }
  | { readonly type: "task"; readonly task: TaskAddress; readonly state: "closed" | "ignored"; readonly reason: string }
  | { readonly type: "verdict"; readonly decision: Decision }
  | { readonly type: "unmatched"; readonly task: TaskAddress; readonly reason: string }
  | { readonly type: "overflow"; readonly events: number }
  | { readonly type: "confirmation"; readonly confirmation: Confirmation; readonly receipt?: Receipt }
  | {
      readonly type: "answer";
      readonly confirmation: Confirmation;
      readonly answer: AnswerClass;
      readonly message: string;
    }
  | { readonly type: "postponed"; readonly confirmation: Confirmation; readonly reason: string; readonly forMs: number }
  | { readonly type: "reorg"; readonly from: bigint; readonly rewindTo: bigint; readonly deep: boolean }
  | { readonly type: "head-behind"; readonly checkpoint: bigint; readonly head: bigint }
  /** Blocks whose bloom promises events and whose answer held none; what another endpoint found in them. */
  | { readonly type: "bloom"; readonly blocks: number; readonly found: number }
  /** The second pass, or the sweep, found what the intake had not seen: a defect, of a node or of the daemon. */
  | { readonly type: "missed"; readonly via: Via; readonly tasks: number; readonly responses: number }
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
  | { readonly type: "socket"; readonly up: true }
  | { readonly type: "socket"; readonly up: false; readonly error: Error; readonly inMs: number }
  | { readonly type: "retry"; readonly what: string; readonly error: unknown; readonly inMs: number };

/** The ways into the intake. */
export type Via = "socket" | "scanner" | "sweep" | "audit";

export type Reporter = (report: Report) => void;
