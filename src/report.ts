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
  | { readonly type: "reorg"; readonly rewindTo: bigint }
  | { readonly type: "socket"; readonly up: true }
  | { readonly type: "socket"; readonly up: false; readonly error: Error; readonly inMs: number }
  | { readonly type: "retry"; readonly what: string; readonly error: unknown; readonly inMs: number };

/** The three ways into the intake. */
export type Via = "socket" | "scanner" | "sweep";

export type Reporter = (report: Report) => void;
