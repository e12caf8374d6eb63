/** `critical`: money or the work stands still; `warning`: worth a look; `info`: good to know. */
export type Severity = "critical" | "warning" | "info";

/** Something that a person should know of. No secrets, no payloads, no stranger's text. */
export type Alert = {
  /** What is one and the same alert, e.g. `ceiling guardrails.perDay all`. */
  readonly key: string;
  readonly severity: Severity;
  readonly title: string;
  readonly text: string;
};

/**
 * A condition begins and ends; an event only happens. A condition that must last before it counts says for how long, in
 * milliseconds.
 */
export type AlertChange =
  | ({ readonly kind: "begins"; readonly lastingMs?: number } & Alert)
  | { readonly kind: "ends"; readonly key: string }
  | ({ readonly kind: "happens" } & Alert);

/** What leaves: a new alert, a reminder of one that lasts, or the word that it is over. */
export type Notice = Alert & {
  readonly state: "firing" | "resolved";
  /** Milliseconds since 1970. */
  readonly since: number;
  /** How often it came again since the notice before. */
  readonly repeats: number;
};
