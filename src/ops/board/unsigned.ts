import type { Confirmation } from "../../journal/journal.ts";
import type { AccountAddress, TaskAddress } from "../../protocol/brand.ts";
import type { Report } from "../../report.ts";

/** Approved confirmations that wait for a signature for too long, although nothing that the operator was told of keeps them. */
export type Unsigned = {
  readonly count: number;
  /** The one that waits longest. @param since Milliseconds since 1970. @param reason The last that was told; empty: none was. */
  readonly oldest:
    | { readonly id: number; readonly task: TaskAddress; readonly since: number; readonly reason: string }
    | undefined;
};

export type UnsignedBoard = {
  readonly note: (report: Report, now: number) => void;
  /** What was not settled when the daemon started. */
  readonly seed: (confirmations: readonly Confirmation[], now: number) => void;
  readonly view: (now: number) => Unsigned;
};

type Wait = {
  readonly task: TaskAddress;
  readonly since: number;
  readonly reason: string;
  /** A ceiling holds it, which an alert of its own tells. */
  readonly isHeld: boolean;
};

/** Milliseconds: longer than a restart of a remote signer, or a peak of the price of gas. */
const unsignedAfterMs = 15 * 60_000;
const mostKept = 20_000;

/**
 * Follows what is approved until it is signed or settled. What a pause keeps, or a ceiling, or another daemon that holds the
 * keys, does not wait here: its time begins when that is over.
 */
export function createUnsignedBoard(): UnsignedBoard {
  const waiting = new Map<number, Wait>();
  const keys = new Set<AccountAddress>();
  let isPaused = false;
  /** Since when the daemon may sign; `undefined`: it may not. */
  let freeSince: number | undefined;

  const put = ({ id, task, state }: Confirmation, now: number, why?: Pick<Wait, "reason" | "isHeld">) => {
    if (state !== "intended") return void waiting.delete(id);
    const before = waiting.get(id);
    if (before === undefined && waiting.size >= mostKept) return;
    const { reason, isHeld } = why ?? before ?? { reason: "", isHeld: false };
    const since = before === undefined || (before.isHeld && !isHeld) ? now : before.since;
    waiting.set(id, { task, since, reason, isHeld });
  };
  const setFree = (now: number) => {
    freeSince = isPaused || keys.size === 0 ? undefined : (freeSince ?? now);
  };

  return {
    seed: (confirmations, now) => {
      for (const confirmation of confirmations) put(confirmation, now);
    },
    note: (report, now) => {
      switch (report.type) {
        case "verdict":
          return report.intent && put(report.intent, now);
        case "confirmation":
          return put(report.confirmation, now);
        case "postponed":
          return put(report.confirmation, now, { reason: report.reason, isHeld: false });
        case "held":
          return put(report.confirmation, now, { reason: `held under ${report.cap}`, isHeld: true });
        case "paused":
        case "resumed":
          isPaused = report.type === "paused";
          return setFree(now);
        case "key":
          if (report.state === "held") keys.add(report.signer);
          if (report.state === "waiting" || report.state === "lost") keys.delete(report.signer);
          return setFree(now);
        default:
      }
    },
    view: (now) => {
      let count = 0;
      let oldest: Unsigned["oldest"];
      if (freeSince === undefined) return { count, oldest };
      for (const [id, { task, reason, isHeld, ...wait }] of waiting) {
        const since = Math.max(wait.since, freeSince);
        if (isHeld || now - since <= unsignedAfterMs) continue;
        count += 1;
        if (oldest === undefined || since < oldest.since) oldest = { id, task, since, reason };
      }
      return { count, oldest };
    },
  };
}
