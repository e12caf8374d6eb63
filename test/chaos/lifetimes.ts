import { setTimeout as sleep } from "node:timers/promises";
import type { Prng } from "../sim/prng.ts";
import { type DaemonProcess, type LogRecord, startDaemon } from "../support/daemonProcess.ts";

/** When a daemon is killed: so long after its start, after it is ready, or after it has told of something. */
export type Moment = {
  readonly after: "start" | "ready" | "confirmation" | "verdict";
  /** The state that the confirmation must have reached, and for which time. */
  readonly state?: string;
  readonly count?: number;
  readonly ms: number;
};

const states = ["signed", "broadcast", "mined", "final"] as const;

/** Most of them while money is on its way. */
export function drawMoment(prng: Prng): Moment {
  const kind = prng.next();
  if (kind < 0.1) return { after: "start", ms: prng.between(20, 900) };
  if (kind < 0.4) return { after: "ready", ms: prng.between(0, 1_500) };
  const count = prng.between(1, 3);
  const ms = prng.pick([0, 0, 1, 2, 5, 10, 30, 80]);
  if (kind < 0.5) return { after: "verdict", count, ms };
  return { after: "confirmation", state: prng.pick(states), count, ms };
}

/** The longest that a daemon lives while it is waited for what it should tell; a slow machine has its time to start. */
const longestMs = 4_000;
const startMs = 60_000;

/** Waits until a daemon has come so far, or too long; answers how far it has come. */
export async function reach(daemon: DaemonProcess, moment: Moment): Promise<string> {
  let seen = "booting";
  const patience = new AbortController();
  const atMost = (ms: number) => sleep(ms, undefined, { signal: patience.signal }).catch(() => undefined);
  const reached = async () => {
    if (moment.after === "start") return;
    await Promise.race([daemon.ready(), atMost(startMs)]);
    seen = "ready";
    if (moment.after === "ready") return;
    await Promise.race([told(), atMost(longestMs)]);
  };
  const told = async () => {
    let count = 0;
    const counted = new Set<LogRecord>();
    await daemon.logged((record) => {
      if (record.msg !== moment.after || (moment.state !== undefined && record.state !== moment.state)) return false;
      if (!counted.has(record)) count++;
      counted.add(record);
      return count >= (moment.count ?? 1);
    });
    seen = moment.state ?? moment.after;
  };
  // Whether it ended by itself is found out by whoever waits for its end.
  await reached().catch(() => undefined);
  patience.abort();
  await sleep(moment.ms);
  return seen;
}

/**
 * Runs one daemon and kills it in that moment; answers it, dead.
 * @param mayEnd Whether it may have ended by itself, by what it said. @default never
 */
export async function liveUntil(
  moment: Moment,
  start: Parameters<typeof startDaemon>[0],
  mayEnd: (output: string) => boolean = () => false,
): Promise<{ readonly daemon: DaemonProcess; readonly state: string }> {
  const daemon = startDaemon(start);
  const state = await reach(daemon, moment);
  daemon.kill("SIGKILL");
  const code = await daemon.exited;
  if (code !== null && mayEnd(daemon.output())) return { daemon, state: "ended by itself" };
  if (code !== null) throw new Error(`the daemon ended by itself (${code}):\n${daemon.output().slice(-4_000)}`);
  return { daemon, state };
}
