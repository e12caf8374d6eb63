import type { Clock } from "../../clock.ts";
import { formatOgpu } from "../../protocol/amounts.ts";
import type { Wei } from "../../protocol/brand.ts";
import type { Report, Reporter } from "../../report.ts";
import type { Check } from "../http/probeRoutes.ts";

/** What the key can pay for; `undefined` where it could not be read. */
export type Funds = { readonly balance: Wei; readonly confirmations: number };

export type ReadinessOptions = {
  readonly clock: Pick<Clock, "now">;
  /** How long ago an endpoint may have told of its head. */
  readonly headFreshMs: number;
  /** Blocks that the scanner may be behind the head and count as caught up. */
  readonly maxLag: number;
  /** Without a key there is nothing to fund. */
  readonly hasKey: boolean;
};

export type Readiness = {
  readonly note: Reporter;
  /** What a write to the journal said last. */
  readonly sawJournal: (problem: string | undefined) => void;
  readonly sawFunds: (funds: Funds | undefined) => void;
  readonly checks: () => readonly Check[];
};

/** The condition that the pipe moves. @param stalled Why it stands still. */
export const pipeCheck = (stalled: string | undefined): Check => ({
  name: "pipe",
  ok: stalled === undefined,
  reason: stalled ?? "does not stand still",
});

/** Whether the daemon can do its work, by what it was told of. Asks nobody. */
export function createReadiness({ clock, headFreshMs, maxLag, hasKey }: ReadinessOptions): Readiness {
  let head: { readonly number: bigint; readonly heardAt: number } | undefined;
  let checkpoint: bigint | undefined;
  let hasCaughtUp = false;
  let journal: string | undefined = "was not written to yet";
  let funds: Funds | undefined;

  const headCheck = (): Omit<Check, "name"> => {
    if (head === undefined) return { ok: false, reason: "no endpoint has told of a head yet" };
    const seconds = Math.round((clock.now() - head.heardAt) / 1000);
    const ok = clock.now() - head.heardAt <= headFreshMs;
    return { ok, reason: `block ${head.number}, heard ${seconds}s ago${ok ? "" : ": no endpoint answers"}` };
  };
  const backfillCheck = (): Omit<Check, "name"> => {
    if (head === undefined || checkpoint === undefined) return { ok: false, reason: "the scanner has not begun" };
    const lag = head.number > checkpoint ? head.number - checkpoint : 0n;
    if (lag <= BigInt(maxLag)) hasCaughtUp = true;
    return { ok: hasCaughtUp, reason: `checkpoint ${checkpoint}, ${lag} blocks behind the head` };
  };
  const keyCheck = (): Omit<Check, "name"> => {
    if (!hasKey) return { ok: true, reason: "no key: nothing is paid" };
    if (funds === undefined) return { ok: false, reason: "the balance was not read yet" };
    const { balance, confirmations } = funds;
    const pays = Number.isFinite(confirmations) ? `pays the gas of ${confirmations} confirmations` : "gas is free";
    return { ok: confirmations >= 1, reason: `${formatOgpu(balance)}, ${pays}` };
  };

  return {
    note: (report: Report) => {
      if (report.type === "head") {
        // A node that lags does not take the head back.
        const number = head !== undefined && head.number > report.number ? head.number : report.number;
        head = { number, heardAt: clock.now() };
      }
      // On a chain that stands still there is nothing to take in after a restart: the end of a scan says enough.
      const isScan = report.type === "scanned" || (report.type === "intake" && report.via === "scanner");
      if (isScan && report.block !== undefined) {
        checkpoint = report.block;
        backfillCheck();
      }
    },
    sawJournal: (problem) => {
      journal = problem;
    },
    sawFunds: (seen) => {
      funds = seen ?? funds;
    },
    checks: () => [
      { name: "head", ...headCheck() },
      { name: "backfill", ...backfillCheck() },
      { name: "key", ...keyCheck() },
      { name: "journal", ok: journal === undefined, reason: journal ?? "writable" },
    ],
  };
}
