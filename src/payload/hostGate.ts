export type HostGateOptions = {
  /** Jobs at once. */
  readonly width: number;
  /** Bytes that the jobs at once may bring; a job that is larger runs alone. */
  readonly bytes: number;
  /** Jobs that may wait. */
  readonly queue: number;
};

export type GateJob<T> = {
  /** Whom it burdens. */
  readonly host: string;
  /** Jobs of this host at once. */
  readonly hostWidth: number;
  /** Jobs of this host that may wait. */
  readonly hostQueue: number;
  /** The most that it brings. */
  readonly bytes: number;
  readonly run: () => Promise<T>;
};

/** Runs a job in its turn; `undefined` where the queue is full. */
export type HostGate = <T>(job: GateJob<T>) => Promise<T> | undefined;

type Waiting = { readonly bytes: number; readonly hostWidth: number; readonly start: () => void };
type Host = { running: number; readonly waiting: Waiting[] };

/**
 * Bounds jobs, their bytes, and the share of each host: hosts take turns, so that one that is slow, or asked for a
 * thousand times, holds up only itself. A job that waits holds nothing.
 */
export function createHostGate({ width, bytes, queue }: HostGateOptions): HostGate {
  /** In the order of their turns. */
  const hosts = new Map<string, Host>();
  const taken = { jobs: 0, bytes: 0, waiting: 0 };

  const startNext = (): boolean => {
    if (taken.jobs >= width) return false;
    for (const [name, host] of hosts) {
      const [job] = host.waiting;
      if (!job || host.running >= job.hostWidth) continue;
      if (taken.jobs > 0 && taken.bytes + job.bytes > bytes) return false;
      host.waiting.shift();
      taken.waiting--;
      hosts.delete(name);
      hosts.set(name, host);
      host.running++;
      taken.jobs++;
      taken.bytes += job.bytes;
      job.start();
      return true;
    }
    return false;
  };
  const pump = () => {
    while (startNext());
  };

  return (job) => {
    const host = hosts.get(job.host) ?? { running: 0, waiting: [] };
    const { promise, resolve } = Promise.withResolvers<void>();
    hosts.set(job.host, host);
    host.waiting.push({ ...job, start: resolve });
    taken.waiting++;
    pump();
    if (taken.waiting > queue || host.waiting.length > job.hostQueue) {
      host.waiting.pop();
      taken.waiting--;
      return undefined;
    }
    return promise.then(job.run).finally(() => {
      host.running--;
      taken.jobs--;
      taken.bytes -= job.bytes;
      if (host.running === 0 && host.waiting.length === 0) hosts.delete(job.host);
      pump();
    });
  };
}
