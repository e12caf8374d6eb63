import type { OperatorFunction } from "rxjs";
import type { Confirmation } from "../journal/journal.ts";

/** The one writer of a key. */
export type Sink = {
  /**
   * Pays what it is given, and what the journal still holds from before; emits each confirmation that is settled.
   * Completes when its source has and nothing that was signed is still unmined. Errors only when it must stop at once.
   */
  readonly pay: OperatorFunction<Confirmation, Confirmation>;
};
