import { spawn as spawnProcess } from "node:child_process";
import type { Logger } from "./logger.ts";

/** Tells systemd (`Type=notify`) how the daemon is. Every call returns at once, and none throws. */
export type Notifier = {
  readonly ready: (status: string) => void;
  readonly status: (text: string) => void;
  readonly stopping: () => void;
  /** Follow it with `ready`. @param atMicros `CLOCK_MONOTONIC` in microseconds, as `Type=notify-reload` asks for. */
  readonly reloading: (atMicros?: bigint) => void;
  readonly watchdog: () => void;
  /** Before `ready`: the start takes so many milliseconds more, from now. */
  readonly extendStart: (ms: number) => void;
  /** Resolves when all of it was said, or could not be. */
  readonly drained: () => Promise<void>;
};

type Child = {
  readonly once: (event: "error" | "close", listener: (outcome: Error | number | null) => void) => unknown;
  readonly unref: () => void;
};
type Spawn = (
  command: string,
  args: readonly string[],
  options: { readonly env: Record<string, string>; readonly stdio: "ignore"; readonly timeout: number },
) => Child;

export type NotifierOptions = {
  /** `$NOTIFY_SOCKET`; without it every call does nothing. */
  readonly socketPath: string | undefined;
  readonly logger: Logger;
  readonly spawn?: Spawn;
};

const states = ["READY", "RELOADING", "STOPPING"] as const;
const longestQueue = 16;

/**
 * Speaks to systemd through `systemd-notify`, because Node has no AF_UNIX datagram socket. The unit needs
 * `NotifyAccess=all`. One child runs at a time. What is said meanwhile is kept: states in their order, for systemd waits for
 * RELOADING before READY; a status and a sign of life with the newest of them.
 */
export function createNotifier({ socketPath, logger, spawn = spawnProcess as Spawn }: NotifierOptions): Notifier {
  const waiting: Record<string, string>[] = [];
  const idle: (() => void)[] = [];
  let busy = false;
  let complained = false;

  const complain = (err: unknown) => {
    if (!complained) logger.warn({ err }, "systemd could not be notified; later failures are not logged");
    complained = true;
  };
  const flush = () => {
    if (busy || socketPath === undefined) return;
    const next = waiting.shift();
    if (next === undefined) {
      for (const resolve of idle.splice(0)) resolve();
      return;
    }
    const message = Object.entries(next).map(([name, value]) => `${name}=${value}`);
    busy = true;
    let done = false;
    const finish = (outcome: Error | number | null) => {
      if (done) return;
      done = true;
      busy = false;
      if (outcome !== 0)
        complain(outcome instanceof Error ? outcome : new Error(`systemd-notify exited with ${outcome}`));
      flush();
    };
    try {
      // The child needs no more than this; in particular not the daemon's keys.
      const env = { NOTIFY_SOCKET: socketPath, PATH: "/usr/bin:/bin" };
      const child = spawn("systemd-notify", message, { env, stdio: "ignore", timeout: 5_000 });
      child.once("error", finish);
      child.once("close", finish);
      child.unref();
    } catch (error) {
      finish(error instanceof Error ? error : new Error(String(error)));
    }
  };
  const say = (variables: Record<string, string>) => {
    if (socketPath === undefined) return;
    const last = waiting.at(-1);
    const isState = states.some((state) => state in variables);
    if (last === undefined || (isState && states.some((state) => state in last))) waiting.push({ ...variables });
    else Object.assign(last, variables);
    // A reload a millisecond says no more than the newest ones do.
    if (waiting.length > longestQueue) waiting.splice(0, waiting.length - longestQueue);
    flush();
  };
  const oneLine = (text: string) => text.replace(/\s+/g, " ").trim().slice(0, 200);

  return {
    ready: (status) => say({ READY: "1", STATUS: oneLine(status) }),
    status: (text) => say({ STATUS: oneLine(text) }),
    stopping: () => say({ STOPPING: "1", STATUS: "stopping" }),
    reloading: (atMicros) =>
      say({ RELOADING: "1", ...(atMicros !== undefined && { MONOTONIC_USEC: String(atMicros) }) }),
    watchdog: () => say({ WATCHDOG: "1" }),
    drained: () => (busy ? new Promise((resolve) => idle.push(resolve)) : Promise.resolve()),
    extendStart: (ms) => say({ EXTEND_TIMEOUT_USEC: String(Math.round(ms * 1_000)) }),
  };
}

/** How often to call `watchdog`, in ms: half of `$WATCHDOG_USEC`; `undefined` where systemd expects none. */
export function watchdogInterval(env: { readonly WATCHDOG_USEC?: string | undefined }): number | undefined {
  const microseconds = Number(env.WATCHDOG_USEC);
  return microseconds > 0 ? Math.max(1, Math.floor(microseconds / 2_000)) : undefined;
}
