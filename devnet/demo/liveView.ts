import { styleText } from "node:util";
import type { Decision } from "../../src/journal/journal.ts";
import { formatOgpu } from "../../src/protocol/amounts.ts";
import type { TaskAddress } from "../../src/protocol/brand.ts";
import type { Report } from "../../src/report.ts";
import type { Act } from "./stage.ts";

type Style = Parameters<typeof styleText>[0];

/** Tells a person what happens while it happens: what arrived, the verdict and why, the transaction, the money. */
export function createLiveView(write: (line: string) => void, colours: boolean) {
  const acts = new Map<TaskAddress, Act>();
  let paid = 0n;
  let saved = 0n;
  const paint = (style: Style, text: string) => (colours ? styleText(style, text, { validateStream: false }) : text);
  const short = (address: string) => `${address.slice(0, 10)}…`;
  const time = () => new Date().toISOString().slice(11, 19);
  const say = (task: TaskAddress, style: Style, what: string, rest: string) => {
    const act = acts.get(task);
    const name = act ? `#${act.number} ${act.scenario.name}` : short(task);
    write(`${paint("dim", time())}  ${name.padEnd(34)} ${paint(style, what.padEnd(10))} ${rest}\n`);
  };
  const who = ({ task, response, provider }: Decision) =>
    acts.get(task)?.names.get(provider?.toLowerCase() ?? "") ?? short(response);

  const show = (report: Report) => {
    switch (report.type) {
      case "task":
        return say(report.task, "dim", report.state, report.reason);
      case "verdict": {
        const { task, kind, reason, payment } = report.decision;
        const style = ({ confirm: "green", reject: "red", wait: "yellow", hold: "magenta" } as const)[kind];
        return say(task, style, kind, `${who(report.decision)} for ${formatOgpu(payment)}: ${reason}`);
      }
      case "confirmation": {
        const { task, state, reason, nonce, attempts, payment } = report.confirmation;
        const hash = report.receipt?.hash ?? attempts.at(-1)?.hash;
        if (state === "final") {
          paid += payment;
          saved += (acts.get(task)?.payment ?? payment) - payment;
        }
        const sums = state === "final" ? `  paid ${formatOgpu(paid)}, saved ${formatOgpu(saved)} so far` : "";
        return say(task, "cyan", state, `nonce ${nonce}, tx ${hash?.slice(0, 18)}…${reason && `: ${reason}`}${sums}`);
      }
      case "answer":
      case "postponed":
        return say(
          report.confirmation.task,
          "yellow",
          report.type,
          "message" in report ? report.message : report.reason,
        );
      case "policies":
        return write(
          `${paint("dim", time())}  policies: ${report.ok ? report.policies.join(", ") : report.problems}\n`,
        );
      case "socket":
        return write(paint("dim", `${time()}  WebSocket ${report.up ? "up" : "down"}\n`));
      default:
    }
  };
  return {
    show,
    published: (act: Act) => {
      acts.set(act.task, act);
      say(act.task, "blue", "published", `${act.task} for at most ${formatOgpu(act.payment)}`);
    },
  };
}
