import { describeError } from "../../errors.ts";
import type { AlertChange } from "./alert.ts";

/** The pipe stands still; `undefined`: it moves again. */
export const stalled = (reason: string | undefined): AlertChange =>
  reason === undefined
    ? { kind: "ends", key: "stalled" }
    : { kind: "begins", key: "stalled", severity: "critical", title: "the pipe stands still", text: reason };

/** The daemon stops for a reason of its own. */
export const broken = (error: unknown): AlertChange => ({
  kind: "happens",
  key: "broken",
  severity: "critical",
  title: "the daemon stops",
  text: describeError(error),
});
