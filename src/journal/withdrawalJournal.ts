import { ConfigError } from "../errors.ts";
import { findConfirmations, unsettledConfirmations } from "./confirmationRows.ts";
import { allIn, updateAll } from "./groups.ts";
import type { Confirmation } from "./journal.ts";
import type { Row } from "./rows.ts";
import { pauseNow } from "./sinkJournal.ts";
import { type Store, together } from "./work.ts";

/** A confirmation that is approved and not in flight, and the verdict behind it. */
export type Approval = {
  readonly confirmation: Confirmation;
  readonly policy: string;
  /** Why it was approved. */
  readonly reason: string;
  /** Milliseconds since 1970. */
  readonly decidedAt: number;
};

/** How a person takes back what was approved. Methods are transactions, as those of `Journal` are. */
export type WithdrawalJournal = {
  /** What is approved and waits to be signed, oldest first; also what was signed once and is to be tried anew. */
  readonly approvals: () => Promise<readonly Approval[]>;
  /**
   * Rejects those of these confirmations that nothing was ever signed for, and answers them; the others stay as they are.
   * What was approved there is settled by it: `TaskRecord.withdrawn` names it from then on.
   * Whoever signs one of them at this moment is refused by `recordAttempts`, and so its bytes never leave the process.
   *
   * @throws ConfigError `NOT_PAUSED` unless paying is paused: else others would be signed while a person chooses.
   */
  readonly withdraw: (confirmationIds: readonly number[], reason: string) => Promise<readonly Confirmation[]>;
};

/** Nothing was ever signed for it: no bytes of it can be anywhere. */
export const isUnsigned = ({ state, attempts }: Confirmation): boolean => state === "intended" && attempts.length === 0;

export const notPaused = (): ConfigError =>
  new ConfigError("approvals are withdrawn while paying is paused, and it is not: nothing was withdrawn", {
    code: "NOT_PAUSED",
    remedy: 'ogpu-confirmd pause --why "…", then this again; ogpu-confirmd resume when all is well',
  });

export function withdrawalJournal({ read, write }: Store): WithdrawalJournal {
  return {
    approvals: () =>
      read(function* () {
        const waiting = (yield* unsettledConfirmations()).filter(({ state }) => state === "intended");
        const ids = waiting.map(({ verdictId }) => verdictId);
        const verdicts = allIn("SELECT id, policy, reason, decided_at FROM verdicts WHERE id", ids);
        const rows = new Map((yield* together<readonly Row[]>(verdicts)).flat().map((row) => [Number(row.id), row]));
        return waiting.map((confirmation): Approval => {
          const { policy, reason, decided_at } = rows.get(confirmation.verdictId) ?? {};
          return {
            confirmation,
            policy: policy as string,
            reason: reason as string,
            decidedAt: Number(decided_at),
          };
        });
      }),

    withdraw: (ids, reason) =>
      write(function* () {
        if ((yield* pauseNow()) === undefined) throw notPaused();
        const known = [...(yield* findConfirmations(ids)).values()];
        const unsigned = known.filter(isUnsigned).sort((a, b) => a.id - b.id);
        yield* together(
          updateAll(
            "UPDATE confirmations SET state = 'rejected', reason = given.column2, withdrawn = 1",
            "id = given.column1",
            ["BIGINT", "TEXT"],
            unsigned.map(({ id }) => [id, reason]),
          ),
        );
        return unsigned.map((confirmation): Confirmation => ({ ...confirmation, state: "rejected", reason }));
      }),
  };
}
