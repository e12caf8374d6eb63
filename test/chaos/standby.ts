import { setTimeout as sleep } from "node:timers/promises";
import type { PostgresServer } from "../../devnet/postgres.ts";
import type { Prng } from "../sim/prng.ts";
import { type DaemonProcess, startDaemon } from "../support/daemonProcess.ts";
import { query } from "../support/journals.ts";
import { drawMoment, reach } from "./lifetimes.ts";

export const strikeNames = [
  "killed",
  "killed, and the next one while it takes over",
  "killed, and the server crashes in the takeover",
  "stopped for a moment",
  "cut off",
  "cut off, and the next one killed",
] as const;
export type StrikeName = (typeof strikeNames)[number];

/** Two daemons of one configuration, each of which is started again whenever it ends: one works, one waits. */
export type Pair = {
  /** Strikes at the one that holds the journal; answers how far it had come. */
  readonly strike: () => Promise<string>;
  /** What struck, in order. */
  readonly struck: readonly StrikeName[];
  /** Rejects where a daemon ends that should not, or one that was cut off goes on; else it never settles. */
  readonly broken: Promise<never>;
  /** Kills both. */
  readonly stop: () => Promise<void>;
};

type PairDeps = {
  readonly start: Parameters<typeof startDaemon>[0];
  readonly server: PostgresServer;
  readonly prng: Prng;
  /** Whether a daemon may have ended by itself, by what it said. */
  readonly mayEnd: (output: string) => boolean;
  /** Told of each daemon that is gone. */
  readonly onEnd: (daemon: DaemonProcess) => void;
  readonly log: (line: string) => void;
};

type Running = { readonly daemon: DaemonProcess; isHolder: boolean; isOver: boolean };

/** Milliseconds until a supervisor starts one again; for the takeover; until one that wakes has found out what it missed. */
const restartMs = 1_000;
const takeoverMs = 120_000;
const wakeMs = 40_000;

/**
 * The journal's lock is a session's, and the system answers for a process that is stopped: as where a whole machine stands still
 * for long, the server ends its sessions then; or the one alone that holds the lock, so that the others can still be written to.
 */
const sessions = {
  all: "application_name = 'ogpu-confirmd'",
  hold: "pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = 1869049960 AND granted)",
};

export function startPair({ start, server, prng, mayEnd, onEnd, log }: PairDeps): Pair {
  const struck: StrikeName[] = [];
  const running = new Set<Running>();
  let isStopped = false;

  const keep = async () => {
    while (!isStopped) {
      const daemon = startDaemon(start);
      const one: Running = { daemon, isHolder: false, isOver: false };
      running.add(one);
      daemon.ready().then(
        () => {
          one.isHolder = true;
        },
        () => undefined,
      );
      const code = await daemon.exited;
      one.isOver = true;
      running.delete(one);
      onEnd(daemon);
      if (code !== null && !mayEnd(daemon.output()))
        throw new Error(`the daemon ended by itself (${code}):\n${daemon.output().slice(-4_000)}`);
      await sleep(restartMs);
    }
  };
  const kept = [keep(), keep()];
  const broken = Promise.all(kept).then(() => new Promise<never>(() => undefined));
  broken.catch(() => undefined);

  /** The newest one that works. */
  const holder = async (but?: Running): Promise<Running> => {
    for (let left = takeoverMs; left > 0; left -= 20) {
      const found = [...running].findLast((one) => one.isHolder && one !== but);
      if (found !== undefined) return found;
      await sleep(20);
    }
    throw new Error(`nobody has taken the journal over in ${takeoverMs} ms`);
  };
  const cutOff = async (which: keyof typeof sessions) => {
    await query(server, "postgres", `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${sessions[which]}`);
  };

  const strikeAt = async (one: Running, name: StrikeName): Promise<void> => {
    const { daemon } = one;
    switch (name) {
      case "killed":
        return daemon.kill("SIGKILL");
      case "killed, and the next one while it takes over":
        daemon.kill("SIGKILL");
        await sleep(prng.between(0, 2_500));
        for (const next of running) if (next !== one) next.daemon.kill("SIGKILL");
        return;
      case "killed, and the server crashes in the takeover":
        daemon.kill("SIGKILL");
        await sleep(prng.between(0, 2_500));
        await server.halt("crash");
        await sleep(prng.between(0, 300));
        await server.start();
        return;
      case "stopped for a moment":
        daemon.kill("SIGSTOP");
        await sleep(prng.between(50, 3_000));
        daemon.kill("SIGCONT");
        return;
      case "cut off":
      case "cut off, and the next one killed": {
        daemon.kill("SIGSTOP");
        await cutOff(prng.pick(["all", "hold"]));
        const next = await holder(one);
        await reach(next.daemon, drawMoment(prng));
        daemon.kill("SIGCONT");
        if (name !== "cut off") {
          await sleep(prng.pick([0, 1, 5, 30, 200, 1_000]));
          next.daemon.kill("SIGKILL");
        }
        await Promise.race([daemon.exited, sleep(wakeMs, undefined, { ref: false })]);
        if (!one.isOver) throw new Error(`one that was cut off goes on:\n${daemon.output().slice(-4_000)}`);
        return;
      }
      default:
        name satisfies never;
    }
  };

  return {
    struck,
    broken,
    strike: async () => {
      const name = prng.pick(strikeNames);
      const one = await holder();
      const seen = await reach(one.daemon, drawMoment(prng));
      log(`${name}: ${seen}`);
      await strikeAt(one, name);
      struck.push(name);
      return seen;
    },
    stop: async () => {
      isStopped = true;
      for (const { daemon } of running) daemon.kill("SIGKILL");
      await Promise.allSettled(kept);
    },
  };
}
