import type { Report } from "../../src/report.ts";
import type { Trace } from "./trace.ts";

/** What the daemon says it does, in a line each; what is no news is digested only. */
export function describe(report: Report, trace: Trace): void {
  const line = lineOf(report);
  if (line === undefined) trace.digest(`${report.type}`);
  else trace.note(`  ${line}`);
}

function lineOf(report: Report): string | undefined {
  switch (report.type) {
    case "verdict": {
      const { kind, task, response, reason } = report.decision;
      return `verdict ${kind} ${short(response)} of ${short(task)}: ${reason}`;
    }
    case "confirmation": {
      const { id, state, task, nonce, reason, attempts } = report.confirmation;
      const newest = attempts.at(-1)?.hash.slice(0, 10);
      return `confirmation ${id} of ${short(task)} ${state} nonce ${nonce} ${newest} ${reason}`;
    }
    case "postponed":
      return `postponed ${report.confirmation.id}: ${report.reason}`;
    case "answer":
      return `answer ${report.answer} nonce ${report.confirmation.nonce}: ${report.message}`;
    case "retry":
      return `retry ${report.what}: ${(report.error as Error).message}`;
    case "task":
      return `task ${short(report.task)} ${report.state}: ${report.reason}`;
    case "intake":
      if (report.tasks + report.responses === 0) return undefined;
      return `intake ${report.via}: ${report.tasks} tasks, ${report.responses} responses, ${report.block}`;
    case "endpoint":
      return `endpoint ${report.endpoint} ${report.event}${"method" in report ? ` ${report.method}` : ""}`;
    default:
      return report.type;
  }
}

const short = (address: string): string => `${address.slice(0, 4)}…${address.slice(-4)}`;
