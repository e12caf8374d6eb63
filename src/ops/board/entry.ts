import { describeError } from "../../errors.ts";
import { formatOgpu } from "../../protocol/amounts.ts";
import { checksummed } from "../../protocol/brand.ts";
import type { Report } from "../../report.ts";
import { digestText } from "../housekeeping/digestText.ts";

/** How much somebody should care. */
type Tone = "plain" | "good" | "warn" | "bad";

/** One line of the live pipe, ready for JSON. Amounts are decimal wei in text, addresses checksummed. */
export type Entry = {
  readonly kind: "intake" | "verdict" | "confirmation" | "task" | "notice";
  readonly tone: Tone;
  readonly title: string;
  readonly detail: string;
  readonly task?: string;
  readonly response?: string;
  readonly payment?: string;
  readonly policy?: string;
  readonly mode?: string;
  /** A verdict's kind, or a confirmation's state. */
  readonly state?: string;
  readonly hash?: string | undefined;
  readonly nonce?: number | undefined;
};

const longest = 300;
const cut = (text: string): string => (text.length > longest ? `${text.slice(0, longest)}…` : text);
const counted = (count: number, what: string): string =>
  count === 0 ? "" : `${count} ${what}${count === 1 ? "" : "s"}`;
const notice = (tone: Tone, title: string, detail = "", task?: string): Entry => ({
  kind: "notice",
  tone,
  title,
  detail: cut(detail),
  ...(task !== undefined && { task: checksummed(task) }),
});
const seconds = (ms: number): string => `${Math.round(ms / 100) / 10} s`;

const hopelessDeeds = {
  "signed-anew": "signed anew",
  "gave-up": "given up",
  nothing: "a person must look",
} as const;

const verdictTones = { confirm: "good", reject: "plain", wait: "plain", hold: "warn" } as const;

/** A report as the page shows it; `undefined` for those that only move a figure. Texts are cut; none is markup. */
export function toEntry(report: Report): Entry | undefined {
  switch (report.type) {
    case "intake": {
      const { via, tasks, responses } = report;
      if (tasks + responses === 0) return undefined;
      const parts = [counted(tasks, "task"), counted(responses, "response")].filter(Boolean);
      return { kind: "intake", tone: "plain", title: `found by the ${via}`, detail: parts.join(", ") };
    }
    case "verdict": {
      const { task, response, kind, reason, policy, mode, payment } = report.decision;
      return {
        kind: "verdict",
        tone: mode === "shadow" ? "plain" : verdictTones[kind],
        title: kind,
        state: kind,
        detail: cut(reason),
        task: checksummed(task),
        response: checksummed(response),
        payment: String(payment),
        policy,
        mode,
      };
    }
    case "confirmation": {
      const { task, response, state, reason, nonce, mined, attempts, payment } = report.confirmation;
      const tone = state === "dead" ? "bad" : state === "final" ? "good" : state === "superseded" ? "warn" : "plain";
      return {
        kind: "confirmation",
        tone,
        title: state,
        state,
        detail: cut(reason),
        task: checksummed(task),
        response: checksummed(response),
        payment: String(payment),
        hash: report.receipt?.hash ?? mined?.hash ?? attempts.at(-1)?.hash,
        nonce,
      };
    }
    case "task":
      return {
        kind: "task",
        tone: "plain",
        title: `task ${report.state}`,
        detail: cut(report.reason),
        task: checksummed(report.task),
      };
    case "reopened":
      return notice("warn", "a task is open again", `block ${report.block} does not show it as over`, report.task);
    case "unmatched":
      return notice("warn", "no policy matches a task", report.reason, report.task);
    case "policy-changed":
      return notice(
        "plain",
        `${report.before} gave way to ${report.policy}`,
        "a waiting response is judged on",
        report.task,
      );
    case "overtaken": {
      const next = report.policy ?? "no policy";
      return notice("plain", `${report.before} gave way to ${next}`, "a task is judged anew", report.task);
    }
    case "policies":
      return report.ok
        ? notice("good", "changed policies are in force", report.policies.join(", "))
        : notice("bad", "changed policies are refused", report.problems);
    case "evaluation-killed":
      return notice("warn", "an evaluation was cut off", report.reason);
    case "answer":
      return notice("warn", `a node refused a transaction: ${report.answer}`, report.message, report.confirmation.task);
    case "postponed":
      return notice(
        "warn",
        "a confirmation is postponed",
        `${report.reason}, for ${seconds(report.forMs)}`,
        report.confirmation.task,
      );
    case "held": {
      const { confirmation, cap, used, limit } = report;
      return notice(
        "warn",
        `${cap} holds a confirmation`,
        `${formatOgpu(used)} of ${formatOgpu(limit)} used`,
        confirmation.task,
      );
    }
    case "ceiling":
      return report.reached
        ? notice(
            "warn",
            `${report.cap} is reached`,
            `${report.scope}: ${formatOgpu(report.used)} of ${formatOgpu(report.limit)}`,
          )
        : notice("good", `${report.cap} has room again`, report.scope);
    case "paused":
      return notice("bad", "paying is paused", `${report.who}: ${report.why}`);
    case "resumed":
      return notice("good", "paying is resumed", `${report.who}: ${report.why}`);
    case "balance":
      return report.low
        ? notice(
            "bad",
            "the key runs out of gas money",
            `${formatOgpu(report.balance)}, ${report.confirmations} confirmations`,
          )
        : notice("good", "the key has gas money again", formatOgpu(report.balance));
    case "stranger":
      return notice("bad", "somebody else uses the key", `nonces ${report.from} to ${report.to}, ${report.where}`);
    case "fee-ceiling":
      return notice("bad", "stuck at the ceiling of its fees", report.cap, report.confirmation.task);
    case "reverted":
      return notice("warn", "a mined confirmation reverted", report.reason, report.confirmation.task);
    case "hopeless": {
      const { did, confirmation, message } = report;
      if (did === "no-key") return notice("bad", "a former key's transaction is stuck", message, confirmation.task);
      const tone = did === "signed-anew" ? "warn" : "bad";
      return notice(tone, `nodes refuse a transaction for good: ${hopelessDeeds[did]}`, message, confirmation.task);
    }
    case "gap-filled":
      return notice("warn", "a nonce that nobody held was filled", `nonce ${report.nonce}`);
    case "reorg":
      return notice(report.deep ? "bad" : "warn", "reorg", `from block ${report.from} back to ${report.rewindTo}`);
    case "missed":
      return notice(
        "warn",
        `the ${report.via} found what was missed`,
        `${report.tasks} tasks, ${report.responses} responses`,
      );
    case "overflow":
      return notice("warn", "too many live events at once", `${report.events} are left to the scanner`);
    case "endpoint":
      return endpointNotice(report);
    case "socket":
      return report.up
        ? notice("good", "the WebSocket is up", report.endpoint)
        : notice("warn", "the WebSocket is down", `${describeError(report.error)}; again in ${seconds(report.inMs)}`);
    case "retry":
      return notice("warn", `${report.what} is tried again`, describeError(report.error));
    case "bloom":
      return report.found > 0
        ? notice("warn", "an endpoint left out events", `${report.found} found elsewhere`)
        : undefined;
    case "key":
      return keyNotice(report);
    case "job":
      return report.ok ? undefined : notice("bad", `housekeeping failed: ${report.job}`, describeError(report.error));
    case "digest":
      return notice("plain", "what a day brought", digestText(report.digest));
    case "gateway":
      return report.up ? undefined : notice("warn", `the gateway ${report.gateway} does not answer`, report.problem);
    case "expiry": {
      const until = new Date(report.at).toISOString().slice(0, 10);
      return report.soon ? notice("warn", `${report.what} expires soon`, until) : undefined;
    }
    case "disagree":
      return notice("bad", "two endpoints disagree about a final block", `block ${report.block}`);
    case "reload":
    case "no-turn":
    case "scanned":
    case "head":
    case "head-behind":
    case "progress":
    case "funds":
      return undefined;
    default:
      return report satisfies never;
  }
}

const keyWords = {
  held: ["good", "a key is held: it pays"],
  waiting: ["warn", "a key waits: another daemon holds it"],
  lost: ["bad", "a key is lost to another daemon"],
  "no-funds": ["bad", "a key has no money for gas"],
  funded: ["good", "a key has money for gas again"],
} as const;

function keyNotice({ signer, state, by = "" }: Extract<Report, { type: "key" }>): Entry {
  const [tone, title] = keyWords[state];
  return notice(tone, title, `${checksummed(signer)} ${by}`.trim());
}

function endpointNotice(report: Extract<Report, { type: "endpoint" }>): Entry {
  const { endpoint } = report;
  switch (report.event) {
    case "down":
      return notice(
        "bad",
        `${endpoint} is lost`,
        `${describeError(report.error)}; left alone for ${seconds(report.forMs)}`,
      );
    case "refused":
      return notice(
        "bad",
        `${endpoint} refuses its key or its plan, or its quota is used up`,
        `${describeError(report.error)}; left alone for ${seconds(report.forMs)}`,
      );
    case "ahead":
      return notice(
        "bad",
        `${endpoint} tells of blocks that it does not have`,
        `${describeError(report.error)}; left alone for ${seconds(report.forMs)}`,
      );
    case "lacks":
      return notice("warn", `${endpoint} does not do ${report.method}`, "others are asked where there are any");
    case "up":
      return notice("good", `${endpoint} answers again`);
    case "limited":
      return notice("warn", `${endpoint} wants fewer requests`, `left alone for ${seconds(report.forMs)}`);
    case "batch":
      return notice("warn", `${endpoint} takes smaller batches only`, `${report.size} calls`);
    case "chosen":
      return notice("warn", `${endpoint} answers from now on`, `in place of ${report.before}`);
    default:
      return report satisfies never;
  }
}
