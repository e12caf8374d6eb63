import { decodeBody, noOutput } from "./decodeBody.ts";
import { type Egress, type HostLookup, hostAndPort } from "./egress.ts";
import { failed, tooLarge } from "./failure.ts";
import { type FetchDataDeps, fetchData, isKept, readKept } from "./fetchData.ts";
import { heapOf, payloadMemory } from "./heapOf.ts";
import { createHostGate, type GateJob, type NoTurn } from "./hostGate.ts";
import { hostGroup } from "./hostGroup.ts";
import type { GatewayMode } from "./ipfs/askGateways.ts";
import { createBlockCache, noCache } from "./ipfs/blockCache.ts";
import { pathGateway } from "./ipfs/gateway.ts";
import type { FetchLimits, Output, PayloadPort } from "./payloadPort.ts";
import { readData } from "./readData.ts";
import { publicLookup, systemLookup } from "./resolveHost.ts";

export type PayloadOptions = {
  /** Bases of IPFS gateways, such as `https://cipfs.ogpuscan.io`. */
  readonly gateways: readonly string[];
  /** Whether gateways are asked one after the other or all at once. @default "order" */
  readonly gatewayMode?: GatewayMode;
  /** `host:port` pairs that may be private, such as `127.0.0.1:8080`. Empty outside of a demo. */
  readonly allowHosts: readonly string[];
  /** @default https and http */
  readonly schemes?: readonly string[];
  /** @default 443 and 80 */
  readonly ports?: readonly number[];
  /** Milliseconds until the head of an answer must be there. @default 4_000 */
  readonly firstByteTimeout?: number;
  /** Fetches at once, besides those of configs. @default 64 */
  readonly concurrency?: number;
  /** Fetches at once from one host that a stranger named; one while it is slow. @default 8 */
  readonly concurrencyPerHost?: number;
  /** Fetches that may wait for their turn; one more fails for the time being. @default 10_000 */
  readonly queue?: number;
  /** Bytes of the heap for what is fetched and what is held of that. @default 256 MiB */
  readonly memory?: number;
  /** A folder for verified blocks. @default none are kept */
  readonly cacheDir?: string | undefined;
  /** Bytes. @default 256 MiB */
  readonly cacheSize?: number;
  /** @default name servers for strangers' names, the system's resolver for `allowHosts` */
  readonly lookup?: HostLookup;
  /** Milliseconds, for sharing one deadline among gateways. @default performance.now */
  readonly now?: () => number;
};

/** Whom a fetch burdens. */
type Burden = Pick<GateJob<unknown>, "host" | "hostWidth" | "slowWidth" | "hostQueue" | "isUrgent">;

const mebibyte = 1_048_576;

const whyNot: Readonly<Record<NoTurn, string>> = {
  "queue-full": "too many fetches wait already",
  late: "it waited too long for its turn",
  "slow-host": "its host is slow, and busy with others",
};

/**
 * Creates the reader of what strangers submit. `data` is inline JSON, an `http(s)` URL, an `ipfs` URL or a gateway's;
 * anything else is a text that is not JSON. A fetch costs at most its limits, and never reaches a private network.
 * Content named by CID is verified wherever the gateways let it be, and may come from any of them.
 *
 * @example
 * const payload = createPayload({ gateways: ["https://cipfs.ogpuscan.io"], allowHosts: [] });
 * const output = await payload.fetch(response.data, { maxBytes: 262_144, timeoutMs: 5_000 });
 */
export function createPayload(options: PayloadOptions): PayloadPort {
  const { concurrency = 64, concurrencyPerHost = 8, queue = 10_000, memory = payloadMemory } = options;
  const egress = egressOf(options);
  const { cacheDir, cacheSize = 256 * mebibyte } = options;
  const deps: FetchDataDeps = {
    egress,
    gateways: options.gateways.map(pathGateway),
    mode: options.gatewayMode ?? "order",
    cache: cacheDir === undefined ? noCache : createBlockCache({ dir: cacheDir, maxBytes: cacheSize }),
    firstByteMs: options.firstByteTimeout ?? 4_000,
    now: options.now ?? (() => performance.now()),
  };
  /** For configs, and as many for what is on disk: strangers' documents that do not come take no turn of theirs. */
  const spare = Math.ceil(concurrency / 4);
  const gate = createHostGate({ width: concurrency, urgentWidth: 2 * spare, bytes: memory, queue, now: deps.now });
  const burden = (host: string, hostWidth: number, hostQueue: number, slowWidth = hostWidth): Burden => {
    return { host, hostWidth, hostQueue, slowWidth };
  };
  /** Gateways serve everybody: they may take more than a stranger's host, and never all. */
  const shared = burden("gateways", Math.max(1, Math.floor((concurrency * 3) / 4)), queue);
  const hostQueue = Math.ceil(queue / 4);
  const burdenOf = ({ url }: { readonly url?: URL }) => {
    if (!url || deps.gateways.some(({ name }) => URL.parse(name)?.host === url.host)) return shared;
    if (egress.allowHosts.has(hostAndPort(url))) return burden(url.host, concurrencyPerHost, hostQueue);
    return burden(hostGroup(url.hostname), concurrencyPerHost, hostQueue, 1);
  };
  const disk: Burden = { ...burden("disk", spare, queue), isUrgent: true };
  const ofConfig = ({ host, hostWidth, slowWidth, ...more }: Burden): Burden => {
    const widths = { hostWidth: Math.min(hostWidth, spare), slowWidth: Math.min(slowWidth, spare) };
    return { ...more, ...widths, host: `configs of ${host}`, isUrgent: true };
  };

  const fetch: PayloadPort["fetch"] = async (text, limits, released) => {
    try {
      const data = readData(text);
      if (data.kind === "inline") return readInline(text, limits);
      if (data.kind === "broken") return noOutput(failed(data.error));
      const endsAt = deps.now() + limits.timeoutMs;
      const inTurn = <T extends Output | undefined>(whose: Burden, run: () => Promise<T>) =>
        gate<T>({
          ...whose,
          bytes: heapOf(limits.maxBytes),
          held: (output) => released && output && { bytes: heapOf(output.bytes), released },
          // Whoever asks waits, too, and others behind: the wait is part of the time, and leaves half of it to the fetch.
          patienceMs: endsAt - limits.timeoutMs / 2 - deps.now(),
          run,
        });
      const kept = (await isKept(data, deps)) ? await inTurn(disk, () => readKept(data, limits, deps)) : undefined;
      if (kept && !kept.ran) return unasked(kept.why);
      if (kept?.result) return kept.result;
      const whose = limits.isConfig ? ofConfig(burdenOf(data)) : burdenOf(data);
      const turn = await inTurn(whose, () => fetchData(data, { ...limits, endsAt }, deps));
      return turn.ran ? turn.result : unasked(turn.why);
    } catch {
      return noOutput(failed("the payload could not be read"));
    }
  };
  return { fetch };
}

const unasked = (why: NoTurn): Output => ({ ...noOutput(failed(whyNot[why], true)), unasked: true });

function egressOf({ allowHosts, schemes = ["https", "http"], ports = [443, 80], lookup }: PayloadOptions): Egress {
  return {
    allowHosts: new Set(allowHosts.map((host) => host.toLowerCase())),
    schemes: new Set(schemes),
    ports: new Set(ports),
    lookup: lookup ?? publicLookup,
    trustedLookup: lookup ?? systemLookup,
  };
}

function readInline(text: string, { maxBytes }: FetchLimits): Output {
  if (text.length > maxBytes) return noOutput(tooLarge(maxBytes));
  const body = Buffer.from(text, "utf8");
  return body.length > maxBytes ? noOutput(tooLarge(maxBytes)) : decodeBody(body);
}
