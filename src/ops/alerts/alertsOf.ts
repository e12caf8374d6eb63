import { describeError } from "../../errors.ts";
import { formatOgpu } from "../../protocol/amounts.ts";
import { checksummed } from "../../protocol/brand.ts";
import type { Report } from "../../report.ts";
import { digestText } from "../housekeeping/digestText.ts";
import type { AlertChange } from "./alert.ts";

/** What of a report a person should be woken for. @param lastingMs How long something lost must stay lost. */
export function alertsOf(report: Report, lastingMs: number): readonly AlertChange[] {
  switch (report.type) {
    case "ceiling": {
      const { cap, scope, limit } = report;
      const key = `ceiling ${cap} ${scope}`;
      if (!report.reached) return [{ kind: "ends", key }];
      const { used, until } = report;
      const waits =
        until === undefined
          ? "a confirmation costs more than that, and waits, and its task with it, until the ceiling is raised"
          : `${formatOgpu(used)} is used: confirmations wait until ${new Date(until).toISOString()}`;
      const text = `${cap} (${scope}) is ${formatOgpu(limit)}, and ${waits}.`;
      return [{ kind: "begins", key, severity: "warning", title: `the ceiling ${cap} is reached`, text }];
    }
    case "paused":
      return [
        {
          kind: "begins",
          key: "paused",
          severity: "critical",
          title: "paying is paused",
          text: `${report.who} paused it: ${report.why}. ogpu-confirmd resume takes it up again.`,
        },
      ];
    case "resumed":
      return [{ kind: "ends", key: "paused" }];
    case "balance": {
      const { signer, balance, confirmations, low } = report;
      const key = `balance ${signer}`;
      if (!low) return [{ kind: "ends", key }];
      const text = `${checksummed(signer)} has ${formatOgpu(balance)}: gas for about ${confirmations} more confirmations. Send it some.`;
      const severity = confirmations === 0 ? "critical" : "warning";
      return [{ kind: "begins", key, severity, title: "the key runs out of gas money", text }];
    }
    case "key":
      return ofKey(report);
    case "confirmation":
      return ofConfirmation(report.confirmation);
    case "stranger": {
      const text = `Nonces ${report.from} to ${report.to} of ${checksummed(report.signer)} (${report.where}) are not the daemon's. If they are not yours either, the key is stolen: take its rights away with Terminal.setAgent.`;
      return [
        {
          kind: "happens",
          key: `stranger ${report.signer}`,
          severity: "critical",
          title: "somebody else uses the key",
          text,
        },
      ];
    }
    case "fee-ceiling": {
      const { confirmation, cap } = report;
      const text = `Nonce ${confirmation.nonce} (task ${checksummed(confirmation.task)}) is stuck: what would free it would pass ${cap}.`;
      const key = `fee-ceiling ${confirmation.id}`;
      return [{ kind: "begins", key, severity: "warning", title: "a transaction is stuck at the fee ceiling", text }];
    }
    case "hopeless": {
      const { confirmation, message, did } = report;
      if (did === "signed-anew" || did === "gave-up") return [];
      const [title, chapter] =
        did === "no-key"
          ? ["a former key's transaction is stuck", "Key rotation"]
          : ["nodes refuse a transaction for good", "A stuck nonce"];
      const text = `Nonce ${confirmation.nonce} (task ${checksummed(confirmation.task)}) keeps all later ones from being mined: ${message.slice(0, 200)}. See docs/runbook.md, "${chapter}".`;
      const key = `hopeless ${confirmation.id}`;
      return [{ kind: "begins", key, severity: "critical", title, text }];
    }
    case "policies":
      if (report.ok) return [{ kind: "ends", key: "policies" }];
      return [
        {
          kind: "begins",
          key: "policies",
          severity: "warning",
          title: "the policies on disk are refused",
          text: `The ones before stay in force. ${report.problems.slice(0, 800)}`,
        },
      ];
    case "missed": {
      const text = `${report.via} found ${report.tasks} tasks and ${report.responses} responses that no event had told of. An endpoint loses events, or lies: look at the endpoints.`;
      return [
        {
          kind: "happens",
          key: `missed ${report.via}`,
          severity: "warning",
          title: "events were missed, and found",
          text,
        },
      ];
    }
    case "disagree": {
      const text = `Block ${report.block} is ${report.hashes[0]} for one endpoint and ${report.hashes[1]} for another, although it is final. One of them lies, or follows another chain.`;
      return [{ kind: "happens", key: "disagree", severity: "critical", title: "endpoints disagree", text }];
    }
    case "reorg": {
      if (!report.deep) return [];
      const text = `From block ${report.from} back to ${report.rewindTo}: deeper than chain.finality. Check what was paid since.`;
      return [{ kind: "happens", key: "deep-reorg", severity: "critical", title: "a reorg below finality", text }];
    }
    case "verdict": {
      if (report.decision.kind !== "hold") return [];
      const { task, payment } = report.decision;
      const text = `A response to task ${checksummed(task)} for ${formatOgpu(payment)} waits for a person: ogpu-confirmd held list.`;
      return [{ kind: "happens", key: "held", severity: "info", title: "a response is held", text }];
    }
    case "endpoint":
      return ofEndpoint(report, lastingMs);
    case "socket": {
      if (report.up) return [{ kind: "ends", key: "socket" }];
      const text = "Events come later, by polling, until it is back. It is tried for ever.";
      return [{ kind: "begins", key: "socket", lastingMs, severity: "info", title: "no WebSocket is open", text }];
    }
    case "gateway": {
      const key = `gateway ${report.gateway}`;
      if (report.up) return [{ kind: "ends", key }];
      const text = `${report.gateway}: ${report.problem}. Payloads are asked for elsewhere, or wait.`;
      return [{ kind: "begins", key, severity: "warning", title: "an IPFS gateway does not answer", text }];
    }
    case "expiry": {
      const key = `expiry ${report.what}`;
      if (!report.soon) return [{ kind: "ends", key }];
      const text = `The ${report.what} is good until ${new Date(report.at).toISOString()}. Renew it.`;
      return [{ kind: "begins", key, severity: "warning", title: `the ${report.what} expires`, text }];
    }
    case "job": {
      const key = `job ${report.job}`;
      if (report.ok) return [{ kind: "ends", key }];
      const text = `${describeError(report.error)}. It is tried again at its next time.`;
      return [{ kind: "begins", key, severity: "warning", title: `housekeeping failed: ${report.job}`, text }];
    }
    case "digest": {
      const day = new Date(report.digest.since).toISOString().slice(0, 10);
      const text = digestText(report.digest);
      return [
        { kind: "happens", key: `digest ${report.digest.until}`, severity: "info", title: `the day ${day}`, text },
      ];
    }
    default:
      return [];
  }
}

type ReportOf<Type extends Report["type"]> = Extract<Report, { readonly type: Type }>;

function ofConfirmation({ id, task, state, reason }: ReportOf<"confirmation">["confirmation"]): readonly AlertChange[] {
  if (state === "intended" || state === "signed" || state === "broadcast") return [];
  const moves: readonly AlertChange[] = [
    { kind: "ends", key: `fee-ceiling ${id}` },
    { kind: "ends", key: `hopeless ${id}` },
  ];
  if (state !== "dead") return moves;
  const text = `Task ${checksummed(task)}: ${reason}. See docs/runbook.md, "A dead confirmation".`;
  return [
    ...moves,
    { kind: "happens", key: `dead ${id}`, severity: "critical", title: "a confirmation is dead", text },
  ];
}

function ofKey({ signer, state, by }: ReportOf<"key">): readonly AlertChange[] {
  const [gas, lease] = [`key-gas ${signer}`, `key-lease ${signer}`];
  switch (state) {
    case "no-funds": {
      const text = `${checksummed(signer)} cannot pay for gas, and is given nothing until it can: send it some.`;
      return [{ kind: "begins", key: gas, severity: "critical", title: "a key has no gas money", text }];
    }
    case "funded":
      return [{ kind: "ends", key: gas }];
    case "lost": {
      const text = `${by ?? "Another daemon"} has taken ${checksummed(signer)}: this one pays nothing with it. One daemon alone may use a key.`;
      return [{ kind: "begins", key: lease, severity: "critical", title: "another daemon took the key", text }];
    }
    case "held":
      return [{ kind: "ends", key: lease }];
    default:
      return [];
  }
}

function ofEndpoint(report: ReportOf<"endpoint">, lastingMs: number): readonly AlertChange[] {
  const key = `endpoint ${report.endpoint}`;
  switch (report.event) {
    case "up":
      return [{ kind: "ends", key }];
    case "refused": {
      const title = "an endpoint refuses its key or its plan";
      const text = `${report.endpoint}: ${describeError(report.error)}`;
      return [{ kind: "begins", key, lastingMs, severity: "warning", title, text }];
    }
    case "ahead": {
      const title = "an endpoint tells of blocks that it does not have";
      const text = `${report.endpoint}: ${describeError(report.error)}`;
      return [{ kind: "begins", key, lastingMs, severity: "warning", title, text }];
    }
    case "down": {
      const title = "an endpoint is lost";
      const text = `${report.endpoint}: ${describeError(report.error)}`;
      return [{ kind: "begins", key, lastingMs, severity: "warning", title, text }];
    }
    default:
      return [];
  }
}
