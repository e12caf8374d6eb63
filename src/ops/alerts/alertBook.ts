import type { Alert, AlertChange, Notice, Severity } from "./alert.ts";

type Entry = {
  readonly alert: Alert;
  readonly kind: "condition" | "event";
  readonly since: number;
  /** It is told from then on. */
  readonly dueAt: number;
  readonly toldAt: number | undefined;
  readonly repeats: number;
};

/** What is known of alerts, by key. */
export type AlertBook = ReadonlyMap<string, Entry>;

type BookOptions = {
  /** A condition that lasts is told of again after so long; an event that comes again before is only counted. */
  readonly repeatAfterMs: number;
  /** What is noted was looked at, and did not happen again: a condition that lasts is not counted. @default false */
  readonly isLook?: boolean;
};

/** Strangers can make keys (a ceiling for each provider): beyond this number the one that matters least is forgotten. */
const mostEntries = 500;
const weights: Record<Severity, number> = { info: 1, warning: 2, critical: 3 };

/** Takes note of a change. Conditions are told of once, reminded of while they last, and resolved; events are told once. */
export function noted(
  book: AlertBook,
  change: AlertChange,
  now: number,
  options: BookOptions,
): readonly [AlertBook, readonly Notice[]] {
  const next = new Map(book);
  const entry = book.get(change.key);
  if (change.kind === "ends") {
    next.delete(change.key);
    const resolved = entry?.toldAt !== undefined && entry.kind === "condition";
    return [next, resolved ? [notice(entry, "resolved")] : []];
  }
  const { kind, key, severity, title, text } = change;
  const alert = { key, severity, title, text };
  if (entry === undefined || isSpent(entry, now, options)) {
    const lastingMs = (change.kind === "begins" ? change.lastingMs : undefined) ?? 0;
    const dueAt = now + lastingMs;
    next.set(key, {
      alert,
      kind: kind === "begins" ? "condition" : "event",
      since: now,
      dueAt,
      toldAt: undefined,
      repeats: entry?.repeats ?? 0,
    });
  } else next.set(key, { ...entry, alert, repeats: entry.repeats + (options.isLook ? 0 : 1) });
  if (next.size > mostEntries) next.delete(leastOf(next, key));
  return due(next, now, options);
}

/** Among all but the newest, which is still to be told: the oldest event, else the oldest of the least severe conditions. */
function leastOf(book: AlertBook, newest: string): string {
  let least: readonly [key: string, weight: number] = [newest, Number.POSITIVE_INFINITY];
  for (const [key, { kind, alert }] of book) {
    const weight = kind === "event" ? 0 : weights[alert.severity];
    if (key !== newest && weight < least[1]) least = [key, weight];
  }
  return least[0];
}

/** What time alone brings: conditions that have lasted long enough, and reminders. What happened long ago is forgotten. */
export function due(book: AlertBook, now: number, options: BookOptions): readonly [AlertBook, readonly Notice[]] {
  const next = new Map(book);
  const notices: Notice[] = [];
  for (const [key, entry] of book) {
    if (isSpent(entry, now, options) && entry.repeats === 0) next.delete(key);
    if (entry.toldAt === undefined ? !isDue(entry, now) : !isReminder(entry, now, options)) continue;
    notices.push(notice(entry, "firing"));
    next.set(key, { ...entry, toldAt: now, repeats: 0 });
  }
  return [next, notices];
}

/** What lies in the future was noted by a clock that was ahead: nobody is to wait until it is there again. */
const isDue = ({ since, dueAt }: Entry, now: number): boolean => now >= dueAt || now < since;

const isLongAgo = (at: number, now: number, { repeatAfterMs }: BookOptions): boolean =>
  now - at >= repeatAfterMs || now < at;

const isReminder = ({ kind, toldAt, repeats }: Entry, now: number, options: BookOptions): boolean =>
  toldAt !== undefined && isLongAgo(toldAt, now, options) && (kind === "condition" || repeats > 0);

/** An event that was told long ago is news when it happens again. */
const isSpent = ({ kind, toldAt }: Entry, now: number, options: BookOptions): boolean =>
  kind === "event" && toldAt !== undefined && isLongAgo(toldAt, now, options);

const notice = ({ alert, since, repeats }: Entry, state: Notice["state"]): Notice => ({
  ...alert,
  state,
  since,
  repeats,
});
