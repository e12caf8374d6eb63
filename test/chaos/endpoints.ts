import { setTimeout as sleep } from "node:timers/promises";
import type { Devnet } from "../../devnet/index.ts";
import type { Prng } from "../sim/prng.ts";
import { type AilingEndpoint, type Ailment, startAilingEndpoint } from "../support/ailingEndpoint.ts";

export const ailmentNames = [
  "cuts its connections",
  "refuses",
  "hangs",
  "is late",
  "swallows transactions",
  "loses answers to transactions",
  "is behind",
  "has no receipts",
] as const;
export type AilmentName = (typeof ailmentNames)[number];

export type AilingEndpoints = {
  /** What the daemon is given as `rpc`: every second one is asked over WebSockets. */
  readonly rpc: { readonly http: readonly string[]; readonly ws: readonly string[] };
  /** What ailed, in order. */
  readonly ailed: readonly AilmentName[];
  /** Rejects with what goes wrong in here; else it never settles. */
  readonly broken: Promise<never>;
  readonly stop: () => Promise<void>;
};

/** Milliseconds from one ailment to the next, and how long one lasts: some longer than a daemon waits for a lost receipt. */
const restMs = { from: 100, to: 1_500 };
const shortMs = { from: 200, to: 4_000 };
const longMs = { from: 6_000, to: 15_000 };

/** Puts so many endpoints before the devnet's node; one at a time ails. */
export async function startAilingEndpoints(
  { rpc }: Pick<Devnet, "rpc">,
  count: number,
  prng: Prng,
  log: (line: string) => void,
): Promise<AilingEndpoints> {
  const endpoints = await Promise.all(Array.from({ length: count }, () => startAilingEndpoint(rpc)));
  const ailed: AilmentName[] = [];
  const stopping = new AbortController();
  const wait = (ms: number) => sleep(ms, undefined, { signal: stopping.signal }).catch(() => undefined);
  const within = ({ from, to }: typeof restMs) => prng.between(from, to);
  let left: AilmentName[] = [];

  const run = async () => {
    while (!stopping.signal.aborted) {
      await wait(within(restMs));
      // Each as often as any other, in an order that is drawn.
      if (left.length === 0) left = [...ailmentNames];
      const name = left.splice(prng.between(0, left.length - 1), 1)[0] as AilmentName;
      const at = prng.between(0, count - 1);
      const forMs = within(prng.chance(0.15) ? longMs : shortMs);
      const ailment = drawn(name, prng);
      if (stopping.signal.aborted) return;
      const endpoint = endpoints[at] as AilingEndpoint;
      log(`endpoint ${at + 1} ${name}${ailment === undefined ? "" : ` for ${forMs} ms`}`);
      ailed.push(name);
      if (ailment === undefined) endpoint.cut();
      else {
        await endpoint.set(ailment);
        await wait(forMs);
        await endpoint.set({ kind: "none" });
      }
    }
  };
  const running = run();
  const broken = running.then(() => new Promise<never>(() => undefined));
  broken.catch(() => undefined);
  return {
    rpc: {
      http: endpoints.map(({ http, ws }, index) => (index % 2 === 1 ? ws : http)),
      ws: endpoints.map(({ ws }) => ws),
    },
    ailed,
    broken,
    stop: async () => {
      stopping.abort();
      await running.catch(() => undefined);
      await Promise.all(endpoints.map((endpoint) => endpoint.stop()));
    },
  };
}

/** `undefined`: it is over at once. */
function drawn(name: AilmentName, prng: Prng): Ailment | undefined {
  switch (name) {
    case "cuts its connections":
      return undefined;
    case "hangs":
      return { kind: name, passesOn: prng.chance(0.5) };
    case "is late":
      return { kind: name, ms: prng.between(100, 2_500) };
    case "is behind":
      return { kind: name, blocks: prng.between(1, 12), isStuck: prng.chance(0.5) };
    default:
      return { kind: name };
  }
}
