import type { Report } from "../../report.ts";

type Kind = "confirm" | "reject" | "wait" | "hold";

/** What a policy said since the start, in one mode. */
type Tally = {
  readonly policy: string;
  readonly mode: string;
  readonly counts: Readonly<Record<Kind, number>>;
  /** Prices of what it approved: paid under `enforce`, would have been under `shadow`. Decimal wei. */
  readonly approved: string;
};

export type Tallies = {
  readonly note: (report: Report) => void;
  readonly view: () => readonly Tally[];
  /** Since the start, enforced and shadow together. */
  readonly totals: () => Readonly<Record<Kind | "tasks" | "responses" | "final", number>>;
};

const mostPolicies = 200;

/** Counts verdicts by policy and mode, so that a shadow policy can be held against the one that pays. */
export function createTallies(): Tallies {
  const tallies = new Map<string, { policy: string; mode: string; counts: Record<Kind, number>; approved: bigint }>();
  const totals = { tasks: 0, responses: 0, final: 0, confirm: 0, reject: 0, wait: 0, hold: 0 };
  return {
    note: (report) => {
      if (report.type === "intake" && report.via === "scanner") {
        totals.tasks += report.tasks;
        totals.responses += report.responses;
      }
      if (report.type === "confirmation" && report.confirmation.state === "final") totals.final += 1;
      if (report.type !== "verdict") return;
      const { policy, mode, kind, payment } = report.decision;
      totals[kind] += 1;
      const key = `${mode} ${policy}`;
      const tally = tallies.get(key) ?? {
        policy,
        mode,
        counts: { confirm: 0, reject: 0, wait: 0, hold: 0 },
        approved: 0n,
      };
      tally.counts[kind] += 1;
      if (kind === "confirm") tally.approved += payment;
      if (tallies.has(key) || tallies.size < mostPolicies) tallies.set(key, tally);
    },
    view: () =>
      [...tallies.values()]
        .map((tally) => ({ ...tally, counts: { ...tally.counts }, approved: String(tally.approved) }))
        .sort((a, b) => a.policy.localeCompare(b.policy) || a.mode.localeCompare(b.mode)),
    totals: () => ({ ...totals }),
  };
}
