import type { Clock } from "../../clock.ts";
import type { Confirmation } from "../../journal/journal.ts";
import { ogpuNumber } from "../../protocol/amounts.ts";
import type { Report, Reporter } from "../../report.ts";
import { gasCost } from "../../sink/gasCost.ts";
import { isReplacement } from "../../sink/isReplacement.ts";
import type { Metrics } from "./createMetrics.ts";

/** Approvals whose signature is awaited; beyond it the oldest are not timed. */
const mostTimed = 10_000;
/** Policies, ceilings and the like that a label tells apart; the others are `other`. */
const mostValues = 200;

/** Counts what the pipe reports. */
export function countReports(metrics: Metrics, clock: Pick<Clock, "now">): Reporter {
  const { add, set } = metrics;
  const seconds = () => clock.now() / 1000;
  const approvedAt = new Map<number, number>();
  const bounded = boundedValues();
  let head: bigint | undefined;
  let checkpoint: bigint | undefined;
  const showLag = () => {
    if (head !== undefined && checkpoint !== undefined)
      set("scanner_lag_blocks", Math.max(0, Number(head - checkpoint)));
  };

  const countConfirmation = ({ id, state, payment, offered, attempts }: Confirmation, gas: bigint | undefined) => {
    if (state === "intended") return;
    add("confirmations_total", 1, { state });
    const first = attempts[0]?.signedAt;
    if (state === "signed" && attempts.length === 1 && first !== undefined) {
      const approved = approvedAt.get(id);
      if (approved !== undefined)
        metrics.observe("confirmation_seconds", (first - approved) / 1000, { stage: "signed" });
    }
    if (state === "signed" && isReplacement({ attempts })) add("replacements_total", 1);
    if (state !== "signed") approvedAt.delete(id);
    if ((state === "mined" || state === "final") && first !== undefined)
      metrics.observe("confirmation_seconds", Math.max(0, clock.now() - first) / 1000, { stage: state });
    if (state !== "final") return;
    add("paid_ogpu_total", ogpuNumber(payment));
    if (offered !== undefined && offered > payment) add("saved_ogpu_total", ogpuNumber(offered - payment));
    if (gas !== undefined) add("gas_ogpu_total", ogpuNumber(gas));
  };

  return (report: Report) => {
    switch (report.type) {
      case "head":
        head = report.number;
        set("head_block", Number(report.number));
        set("head_timestamp_seconds", report.timestamp);
        set("head_heard_timestamp_seconds", seconds());
        return showLag();
      case "intake": {
        const { via, tasks, responses, block } = report;
        add("intake_items_total", tasks, { via, item: "task" });
        add("intake_items_total", responses, { via, item: "response" });
        if (block === undefined) return;
        checkpoint = block;
        set("checkpoint_block", Number(block));
        set("checkpoint_timestamp_seconds", seconds());
        return showLag();
      }
      case "missed": {
        const { via, tasks, responses } = report;
        add("missed_items_total", tasks, { via, item: "task" });
        return add("missed_items_total", responses, { via, item: "response" });
      }
      case "overflow":
        return add("overflowed_events_total", report.events);
      case "reorg":
        return add("reorgs_total", 1, { depth: report.deep ? "deep" : "shallow" });
      case "bloom":
        add("bloom_blocks_total", report.blocks);
        return add("bloom_found_total", report.found);
      case "disagree":
        return add("disagreements_total", 1);
      case "head-behind":
        return add("head_behind_total", 1);
      case "task":
        return add("tasks_settled_total", 1, { state: report.state });
      case "reopened":
        return add("tasks_reopened_total", 1);
      case "unmatched":
        return add("unmatched_total", 1);
      case "no-turn":
        return add("fetches_not_begun_total", 1);
      case "policy-changed":
      case "overtaken":
        return add("rejudged_total", 1);
      case "evaluation-killed":
        return add("evaluations_killed_total", 1);
      case "policies":
        add("policy_reloads_total", 1, { result: report.ok ? "ok" : "refused" });
        set("policies_ok", report.ok ? 1 : 0);
        if (report.ok) set("policies", report.policies.length);
        return;
      case "verdict": {
        const { policy, kind, mode } = report.decision;
        add("verdicts_total", 1, { policy: bounded("policy", policy), kind, mode });
        if (report.intent === undefined) return;
        if (approvedAt.size >= mostTimed) approvedAt.delete(approvedAt.keys().next().value ?? 0);
        approvedAt.set(report.intent.id, clock.now());
        return;
      }
      case "confirmation": {
        const { confirmation, receipt } = report;
        const attempt = confirmation.attempts.find(({ hash }) => hash === receipt?.hash);
        return countConfirmation(confirmation, receipt && gasCost(attempt, receipt));
      }
      case "answer":
        return report.answer === "accepted" ? undefined : add("node_answers_total", 1, { answer: report.answer });
      case "postponed":
        return add("postponed_total", 1);
      case "held":
        return add("cap_holds_total", 1, { cap: bounded("cap", report.cap) });
      case "ceiling":
        return set("cap_reached", report.reached ? 1 : 0, { cap: bounded("cap", report.cap) });
      case "paused":
        return set("paused", 1);
      case "resumed":
        return set("paused", 0);
      case "key":
        return add("key_changes_total", 1, { state: report.state });
      case "stranger":
        return add("stranger_nonces_total", Math.max(1, report.to - report.from + 1));
      case "fee-ceiling":
        return add("fee_ceiling_total", 1);
      case "reverted":
        return add("mined_reverts_total", 1);
      case "hopeless":
        return add("hopeless_total", 1, { did: report.did });
      case "gap-filled":
        return add("nonce_gaps_filled_total", 1);
      case "endpoint":
        return add("endpoint_events_total", 1, { endpoint: report.endpoint, event: report.event });
      case "socket":
        set("socket_up", report.up ? 1 : 0);
        if (!report.up) add("socket_disconnects_total", 1);
        return;
      case "retry":
        // "task 0x…" or "confirmation 17" would be a label for each task.
        return add("retries_total", 1, { what: bounded("what", report.what.replace(/\s(0x|\d).*/, "")) });
      case "job":
        add("housekeeping_runs_total", 1, { job_name: report.job, result: report.ok ? "ok" : "failed" });
        if (report.ok) set("housekeeping_success_timestamp_seconds", seconds(), { job_name: report.job });
        return;
      case "gateway":
        return set("gateway_up", report.up ? 1 : 0, { gateway: report.gateway });
      case "expiry":
        return set("expiry_timestamp_seconds", report.at / 1000, { what: report.what });
      case "funds":
      case "balance":
      case "digest":
      case "progress":
      case "scanned":
      case "reload":
        return;
      default:
        return report satisfies never;
    }
  };
}

/** Keeps a label's values few, whatever comes. */
function boundedValues(): (label: string, value: string) => string {
  const seen = new Map<string, Set<string>>();
  return (label, value) => {
    const values = seen.get(label) ?? new Set<string>();
    seen.set(label, values);
    if (!values.has(value) && values.size >= mostValues) return "other";
    values.add(value);
    return value;
  };
}
