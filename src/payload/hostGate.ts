import { createSlowHosts } from "./slowHosts.ts";

export type HostGateOptions = {
  /** Jobs at once. */
  readonly width: number;
  /** Urgent jobs at once, besides those. @default width */
  readonly urgentWidth?: number;
  /** Bytes that the jobs at once may take, and what they brought, as long as it is held; a job that is larger runs alone. */
  readonly bytes: number;
  /** Jobs that may wait; urgent ones may in any case. */
  readonly queue: number;
  /** Milliseconds. */
  readonly now: () => number;
};

export type GateJob<T> = {
  /** Whom it burdens. */
  readonly host: string;
  /** Jobs of this host at once. */
  readonly hostWidth: number;
  /** Jobs of this host at once while it is slow. */
  readonly slowWidth: number;
  /** Jobs of this host that may wait. */
  readonly hostQueue: number;
  /** It goes before the others, and takes no place of theirs. @default false */
  readonly isUrgent?: boolean;
  /** The most that it takes. */
  readonly bytes: number;
  /** What its result takes, and until when. @default nothing */
  readonly held?: ((result: T) => Held | undefined) | undefined;
  /** Milliseconds that it waits for its turn at the most; one that then runs for longer counts as slow. */
  readonly patienceMs: number;
  readonly run: () => Promise<T>;
};

type Held = { readonly bytes: number; readonly released: Promise<void> };

/** Why a job's turn never came. */
export type NoTurn = "queue-full" | "late" | "slow-host";

type Turn<T> = { readonly ran: true; readonly result: T } | { readonly ran: false; readonly why: NoTurn };

/** Runs a job in its turn, if that comes soon enough. */
export type HostGate = <T>(job: GateJob<T>) => Promise<Turn<T>>;

type Waiting = Omit<GateJob<unknown>, "run" | "held"> & { readonly end: (why: NoTurn | undefined) => void };
type Host = { running: number; readonly waiting: Waiting[] };
type Lane = {
  readonly width: number;
  running: number;
  /** In the order of their turns. */
  readonly hosts: Map<string, Host>;
};

/** For so long a host stays slow that is given nothing to do. */
const slowForMs = 30_000;
const mostSlowHosts = 1_000;

/**
 * Bounds jobs, their bytes, and the share of each host: hosts take turns, so that one that is slow, or asked for a
 * thousand times, holds up only itself. A job that waits holds nothing here; but its caller does, and so it waits for a
 * bounded time, and for a host that is known to be slow not at all.
 */
export function createHostGate({ width, urgentWidth = width, bytes, queue, now }: HostGateOptions): HostGate {
  const urgent: Lane = { width: urgentWidth, running: 0, hosts: new Map() };
  const others: Lane = { width, running: 0, hosts: new Map() };
  const laneOf = ({ isUrgent }: Pick<Waiting, "isUrgent">) => (isUrgent ? urgent : others);
  const taken = { bytes: 0, waiting: 0 };
  const slow = createSlowHosts({ forMs: slowForMs, most: mostSlowHosts, now });
  const isSlow = ({ host, hostWidth }: Waiting) => slow.isSlow(host, hostWidth);
  const widthOf = (job: Waiting) => (isSlow(job) ? job.slowWidth : job.hostWidth);
  const forgetIdle = (job: Waiting, host: Host) => {
    if (host.running === 0 && host.waiting.length === 0) laneOf(job).hosts.delete(job.host);
  };

  /** Whether the next one of a lane was started, or waits for room; `undefined`: there is none that may be. */
  const startNext = (lane: Lane): boolean | undefined => {
    const { hosts } = lane;
    if (lane.running >= lane.width) return undefined;
    for (const [name, host] of hosts) {
      const [job] = host.waiting;
      if (!job || host.running >= widthOf(job)) continue;
      if (taken.bytes > 0 && taken.bytes + job.bytes > bytes) return false;
      host.waiting.shift();
      taken.waiting--;
      hosts.delete(name);
      hosts.set(name, host);
      host.running++;
      lane.running++;
      taken.bytes += job.bytes;
      job.end(undefined);
      return true;
    }
    return undefined;
  };
  const pump = () => {
    while (startNext(urgent) ?? startNext(others));
  };

  const giveUp = (host: Host, job: Waiting, why: NoTurn) => {
    const place = host.waiting.indexOf(job);
    if (place < 0) return;
    host.waiting.splice(place, 1);
    taken.waiting--;
    forgetIdle(job, host);
    job.end(why);
  };
  const blame = (host: Host, job: Waiting) => {
    slow.blame(job.host, job.hostWidth);
    if (isSlow(job)) for (const each of [...host.waiting]) giveUp(host, each, "slow-host");
  };

  const hold = ({ bytes: some, released }: Held) => {
    taken.bytes += some;
    void released.then(() => {
      taken.bytes -= some;
      pump();
    });
  };

  return async (job) => {
    const host = laneOf(job).hosts.get(job.host) ?? { running: 0, waiting: [] };
    const { promise: turn, resolve: end } = Promise.withResolvers<NoTurn | undefined>();
    const waiting: Waiting = { ...job, end };
    laneOf(job).hosts.set(job.host, host);
    host.waiting.push(waiting);
    taken.waiting++;
    pump();
    if ((!job.isUrgent && taken.waiting > queue) || host.waiting.length > job.hostQueue)
      giveUp(host, waiting, "queue-full");
    if (isSlow(waiting)) giveUp(host, waiting, "slow-host");
    const timer = setTimeout(() => {
      if (!host.waiting.includes(waiting)) return;
      const isHostsFault = host.running >= widthOf(waiting);
      giveUp(host, waiting, "late");
      if (isHostsFault) blame(host, waiting);
      pump();
    }, job.patienceMs);
    const why = await turn;
    clearTimeout(timer);
    if (why !== undefined) return { ran: false, why };

    const began = now();
    try {
      const result = await job.run();
      const held = job.held?.(result);
      if (held) hold(held);
      return { ran: true, result };
    } finally {
      host.running--;
      laneOf(job).running--;
      taken.bytes -= job.bytes;
      if (now() - began < job.patienceMs) slow.praise(job.host);
      else blame(host, waiting);
      forgetIdle(waiting, host);
      pump();
    }
  };
}
