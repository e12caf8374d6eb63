/** Which hosts are slow, by what their jobs took lately. */
type SlowHosts = {
  /** A job of it took long, or waited for it in vain. @param limit How many such in excess of the quick ones make it slow. */
  readonly blame: (host: string, limit: number) => void;
  /** A job of it was quick: that takes back one of the others. */
  readonly praise: (host: string) => void;
  readonly isSlow: (host: string, limit: number) => boolean;
};

type SlowHostsOptions = {
  /** Milliseconds after which a host that was not blamed again is slow no more. */
  readonly forMs: number;
  /** Hosts that are remembered. */
  readonly most: number;
  /** Milliseconds. */
  readonly now: () => number;
};

export function createSlowHosts({ forMs, most, now }: SlowHostsOptions): SlowHosts {
  /** The one that was blamed last comes last. */
  const hosts = new Map<string, { readonly count: number; readonly at: number }>();
  const known = (host: string) => {
    const found = hosts.get(host);
    return found !== undefined && now() - found.at < forMs ? found : undefined;
  };
  return {
    blame: (host, limit) => {
      const count = Math.min((known(host)?.count ?? 0) + 1, limit);
      hosts.delete(host);
      hosts.set(host, { count, at: now() });
      for (const oldest of hosts.keys()) if (hosts.size > most) hosts.delete(oldest);
    },
    praise: (host) => {
      const found = known(host);
      if (found === undefined || found.count === 1) hosts.delete(host);
      else hosts.set(host, { ...found, count: found.count - 1 });
    },
    isSlow: (host, limit) => (known(host)?.count ?? 0) >= limit,
  };
}
