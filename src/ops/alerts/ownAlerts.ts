import { describeError } from "../../errors.ts";
import { checksummed } from "../../protocol/brand.ts";
import type { Unsigned } from "../board/unsigned.ts";
import type { AlertChange } from "./alert.ts";

/** The pipe stands still; `undefined`: it moves again. */
export const stalled = (reason: string | undefined): AlertChange =>
  reason === undefined
    ? { kind: "ends", key: "stalled" }
    : { kind: "begins", key: "stalled", severity: "critical", title: "the pipe stands still", text: reason };

/** The scanner is far behind and reads nothing; `undefined`: it reads on. */
export function behind(reason: string | undefined): AlertChange {
  const key = "behind";
  if (reason === undefined) return { kind: "ends", key };
  const text = `${reason}. Events that no socket and no sweep brings wait; none is lost. See docs/runbook.md, "The scanner is behind".`;
  return { kind: "begins", key, severity: "critical", title: "the scanner is behind, and reads nothing", text };
}

/** The daemon stops for a reason of its own. */
export const broken = (error: unknown): AlertChange => ({
  kind: "happens",
  key: "broken",
  severity: "critical",
  title: "the daemon stops",
  text: describeError(error).slice(0, 1_500),
});

/** Approved confirmations stand still although the daemon may sign; where there is none, that is over. */
export function unsigned({ count, oldest }: Unsigned): AlertChange {
  const key = "unsigned";
  if (oldest === undefined) return { kind: "ends", key };
  const what = count === 1 ? "A confirmation is" : `${count} confirmations are`;
  const since = new Date(oldest.since).toISOString();
  const why = oldest.reason.slice(0, 300) || "nothing was told of why: its key may be full, or without gas money";
  const text = `${what} approved and not signed; task ${checksummed(oldest.task)} waits since ${since}: ${why}. It is tried again and again.`;
  return { kind: "begins", key, severity: "warning", title: "approved confirmations are not signed", text };
}
