import { looksLikeCid, matchesCid } from "./cid.ts";
import { decodeBody, noOutput } from "./decodeBody.ts";
import { dnsLookup, type Egress, type HostLookup } from "./egress.ts";
import { fetchBytes } from "./fetchBytes.ts";
import { createGate } from "./gate.ts";
import type { FetchLimits, Output, PayloadPort } from "./payloadPort.ts";

export type PayloadOptions = {
  /** Bases of IPFS gateways for `ipfs://` URLs, tried in order, such as `https://cipfs.ogpuscan.io`. */
  readonly gateways: readonly string[];
  /** `host:port` pairs that may be private, such as `127.0.0.1:8080`. Empty outside of a demo. */
  readonly allowHosts: readonly string[];
  /** @default the system's resolver */
  readonly lookup?: HostLookup;
  /** Milliseconds, for sharing one deadline among gateways. @default Date.now */
  readonly now?: () => number;
  /** Fetches at once. @default 16 */
  readonly concurrency?: number;
  /** Fetches that may wait for their turn; one more fails for the time being. @default 10_000 */
  readonly queue?: number;
};

/**
 * Creates the reader of what strangers submit. `data` is inline JSON, an `http(s)` URL or an `ipfs` URL; anything else
 * is a text that is not JSON. A fetch costs at most its limits, and never reaches a private network.
 *
 * @example
 * const payload = createPayload({ gateways: ["https://cipfs.ogpuscan.io"], allowHosts: [] });
 * const output = await payload.fetch(response.data, { maxBytes: 262_144, timeoutMs: 5_000 });
 */
export function createPayload(options: PayloadOptions): PayloadPort {
  const { gateways, allowHosts, lookup = dnsLookup, now = Date.now, concurrency = 16, queue = 10_000 } = options;
  const egress: Egress = { allowHosts: new Set(allowHosts.map((host) => host.toLowerCase())), lookup };
  const gate = createGate(concurrency, queue);
  const fetch = async (data: string, limits: FetchLimits): Promise<Output> => {
    try {
      const text = data.trim();
      const ipfs = /^ipfs:\/\//i.test(text);
      if (!ipfs && !/^https?:\/\//i.test(text)) return inline(data, limits);
      const job = () =>
        ipfs ? fetchFromGateways(text, limits, { gateways, egress, now }) : fetchUrl(text, limits, egress);
      return (await gate(job)) ?? noOutput("too many fetches wait already", true);
    } catch {
      return noOutput("the payload could not be read", false);
    }
  };
  return { fetch };
}

function inline(data: string, { maxBytes }: FetchLimits): Output {
  if (data.length > maxBytes) return noOutput(`larger than ${maxBytes} bytes`, false);
  const body = Buffer.from(data, "utf8");
  return body.length > maxBytes ? noOutput(`larger than ${maxBytes} bytes`, false) : decodeBody(body, false);
}

async function fetchUrl(text: string, limits: FetchLimits, egress: Egress, cid?: string): Promise<Output> {
  const url = URL.parse(text);
  if (!url) return noOutput("not a URL", false);
  const fetched = await fetchBytes(url, limits, egress);
  if (!fetched.ok) return noOutput(fetched.error, fetched.transient);
  const named = cid ?? cidIn(url);
  const verified = named === undefined ? undefined : matchesCid(named, fetched.body);
  return verified === false ? noOutput("CID mismatch", true) : decodeBody(fetched.body, verified === true);
}

/** A gateway's URL names its content too, where nothing follows the CID. */
const cidIn = ({ pathname, search }: URL): string | undefined =>
  search === "" ? /^\/ipfs\/([^/]+)$/.exec(pathname)?.[1] : undefined;

type Gateways = { readonly gateways: readonly string[]; readonly egress: Egress; readonly now: () => number };

/** Asks one gateway after the other until one answers well; each gets its share of the time that is left. */
async function fetchFromGateways(
  text: string,
  limits: FetchLimits,
  { gateways, egress, now }: Gateways,
): Promise<Output> {
  const [, cid = "", path = ""] = /^ipfs:\/\/(?:ipfs\/)?([^/?#]+)(\/[^?#]*)?$/i.exec(text) ?? [];
  const climbs = path.split("/").some((segment) => /^(\.|%2e){1,2}$/i.test(segment));
  if (!looksLikeCid(cid) || climbs) return noOutput("not an IPFS URL", false);
  if (gateways.length === 0) return noOutput("no IPFS gateway is configured", false);
  const end = now() + limits.timeoutMs;
  let last = noOutput(`timed out after ${limits.timeoutMs} ms`, true);
  for (const [index, gateway] of gateways.entries()) {
    const timeoutMs = Math.floor((end - now()) / (gateways.length - index));
    if (timeoutMs < 1) break;
    const whole = path === "" || path === "/";
    const url = `${gateway.replace(/\/+$/, "")}/ipfs/${cid}${whole ? "" : path}`;
    const output = await fetchUrl(url, { ...limits, timeoutMs }, egress, whole ? cid : undefined);
    if (output.digest !== "") return output;
    last = index === 0 || output.transient || !last.transient ? output : last;
  }
  return last;
}
