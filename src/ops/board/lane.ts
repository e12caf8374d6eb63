import type { Confirmation } from "../../journal/journal.ts";
import { checksummed } from "../../protocol/brand.ts";
import type { Report } from "../../report.ts";
import { isReplacement } from "../../sink/isReplacement.ts";

/** A confirmation that is not settled, as the page shows it. */
type LaneItem = {
  readonly id: number;
  readonly task: string;
  readonly response: string;
  readonly state: string;
  readonly payment: string;
  readonly nonce: number | undefined;
  readonly hash: string | undefined;
  /** Signed transactions of its nonce; more than one: it was bumped. */
  readonly attempts: number;
  /** Milliseconds since 1970 when it was first signed. */
  readonly signedAt: number | undefined;
  readonly stuck: boolean;
  /** Why it waits, where it does. */
  readonly note: string;
};

type LaneView = {
  readonly open: Readonly<Record<"intended" | "signed" | "broadcast" | "mined", number>>;
  readonly stuck: number;
  /** Transactions that took the place of an earlier one of their nonce, since the start. */
  readonly bumped: number;
  /** The lowest nonces first, then what waits; the first few. */
  readonly items: readonly LaneItem[];
};

export type LaneBoard = {
  readonly note: (report: Report) => void;
  /** What was not settled when the daemon started. */
  readonly seed: (confirmations: readonly Confirmation[]) => void;
  readonly view: (now: number) => LaneView;
};

const shown = 40;
const mostKept = 20_000;
const isOpen = ({ state }: Confirmation): boolean =>
  state === "intended" || state === "signed" || state === "broadcast" || state === "mined";

/** Follows the confirmations that the sink works on. @param stuckAfterMs Unmined for longer is stuck. */
export function createLaneBoard(stuckAfterMs: number): LaneBoard {
  const open = new Map<number, { readonly confirmation: Confirmation; readonly note: string }>();
  let bumped = 0;
  const put = (confirmation: Confirmation, note = "") => {
    if (!isOpen(confirmation)) return void open.delete(confirmation.id);
    if (open.has(confirmation.id) || open.size < mostKept) open.set(confirmation.id, { confirmation, note });
  };
  const isStuck = ({ state, attempts }: Confirmation, now: number): boolean =>
    (state === "signed" || state === "broadcast") && now - (attempts[0]?.signedAt ?? now) > stuckAfterMs;

  return {
    seed: (confirmations) => {
      for (const confirmation of confirmations) if (!open.has(confirmation.id)) put(confirmation);
    },
    note: (report) => {
      switch (report.type) {
        case "verdict":
          return report.intent && put(report.intent);
        case "confirmation":
          if (report.confirmation.state === "signed" && isReplacement(report.confirmation)) bumped += 1;
          return put(report.confirmation);
        case "postponed":
          return put(report.confirmation, report.reason);
        case "held":
          return put(
            report.confirmation,
            report.until === undefined ? `costs more than ${report.cap}` : `waits for room under ${report.cap}`,
          );
        case "fee-ceiling":
          return put(report.confirmation, `stuck at ${report.cap}`);
        case "hopeless":
          return put(
            report.confirmation,
            report.did === "no-key" ? report.message : `nodes refuse it for good: ${report.message}`,
          );
        default:
      }
    },
    view: (now) => {
      const counts = { intended: 0, signed: 0, broadcast: 0, mined: 0 };
      let stuck = 0;
      const all = [...open.values()];
      for (const { confirmation } of all) {
        counts[confirmation.state as keyof typeof counts] += 1;
        if (isStuck(confirmation, now)) stuck += 1;
      }
      const order = ({ nonce, id }: Confirmation) => [nonce ?? Number.MAX_SAFE_INTEGER, id] as const;
      all.sort(({ confirmation: a }, { confirmation: b }) => order(a)[0] - order(b)[0] || order(a)[1] - order(b)[1]);
      const items = all.slice(0, shown).map(({ confirmation, note }): LaneItem => {
        const { id, task, response, state, payment, nonce, attempts } = confirmation;
        return {
          id,
          task: checksummed(task),
          response: checksummed(response),
          state,
          payment: String(payment),
          nonce,
          hash: attempts.at(-1)?.hash,
          attempts: attempts.length,
          signedAt: attempts[0]?.signedAt,
          stuck: isStuck(confirmation, now),
          note,
        };
      });
      return { open: counts, stuck, bumped, items };
    },
  };
}
