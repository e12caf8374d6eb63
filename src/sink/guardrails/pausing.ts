import type { Journal } from "../../journal/journal.ts";
import type { Pause } from "../../journal/sinkJournal.ts";

/** Who does it, and why; both are kept. */
type Ask = { readonly who: string; readonly why: string };

type PauseJournal = Pick<Journal, "pause" | "setPause" | "endPause">;

const short = ({ who, why }: Ask): Ask => ({ who: who.trim().slice(0, 100), why: why.trim().slice(0, 500) });

/**
 * Nothing new is signed from now on, by the daemon that runs or by the next one. What is signed already is out, and goes
 * on. Where paying was paused by somebody already, that stays.
 *
 * @param at Milliseconds since 1970.
 * @returns the pause that stands now, and whether it is this one.
 */
export async function pausePaying(
  journal: PauseJournal,
  ask: Ask,
  at: number,
): Promise<{ readonly pause: Pause; readonly isNew: boolean }> {
  const before = await journal.pause();
  // What the circuit breaker did, a person may take over: then only a person's word explains why it stands.
  if (before?.by === "operator") return { pause: before, isNew: false };
  const pause: Pause = { by: "operator", ...short(ask), at };
  await journal.setPause(pause);
  return { pause, isNew: true };
}

/** Ends the pause, whoever began it; answers whether there was one. @param at Milliseconds since 1970. */
export const resumePaying = (journal: PauseJournal, ask: Ask, at: number): Promise<boolean> =>
  journal.endPause({ ...short(ask), at });
