import { spawn as spawnProcess } from "node:child_process";
import type { Logger } from "./logger.ts";

/** Tells systemd (`Type=notify`) how the daemon is. Every call returns at once, and none throws. */
export type Notifier = {
  readonly ready: (status: string) => void;
  readonly status: (text: string) => void;
  readonly stopping: () => void;
  /** Follow it with `ready`. */
  readonly reloading: () => void;
  readonly watchdog: () => void;
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

/**
 * Speaks to systemd through `systemd-notify`, because Node has no AF_UNIX datagram socket. The unit needs
 * `NotifyAccess=all`. One child runs at a time; what is said meanwhile is merged into the next message.
 */
export function createNotifier({ socketPath, logger, spawn = spawnProcess as Spawn }: NotifierOptions): Notifier {
  let waiting: Record<string, string> = {};
  let busy = false;
  let complained = false;

  const complain = (err: unknown) => {
    if (!complained) logger.warn({ err }, "systemd could not be notified; later failures are not logged");
    complained = true;
  };
  const flush = () => {
    const message = Object.entries(waiting).map(([name, value]) => `${name}=${value}`);
    if (busy || socketPath === undefined || message.length === 0) return;
    waiting = {};
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
    // READY, RELOADING and STOPPING contradict each other: the latest stands.
    if ("READY" in variables || "RELOADING" in variables || "STOPPING" in variables)
      for (const state of ["READY", "RELOADING", "STOPPING"]) delete waiting[state];
    Object.assign(waiting, variables);
    flush();
  };
  const oneLine = (text: string) => text.replace(/\s+/g, " ").trim().slice(0, 200);

  return {
    ready: (status) => say({ READY: "1", STATUS: oneLine(status) }),
    status: (text) => say({ STATUS: oneLine(text) }),
    stopping: () => say({ STOPPING: "1", STATUS: "stopping" }),
    reloading: () => say({ RELOADING: "1" }),
    watchdog: () => say({ WATCHDOG: "1" }),
  };
}

/** How often to call `watchdog`, in ms: half of `$WATCHDOG_USEC`; `undefined` where systemd expects none. */
export function watchdogInterval(env: { readonly WATCHDOG_USEC?: string | undefined }): number | undefined {
  const microseconds = Number(env.WATCHDOG_USEC);
  return microseconds > 0 ? Math.max(1, Math.floor(microseconds / 2_000)) : undefined;
}
