import { lookup as systemLookup } from "node:dns/promises";
import { isIP, type LookupFunction } from "node:net";
import { isPublicAddress } from "./publicAddress.ts";

export type ResolvedAddress = { readonly address: string; readonly family: number };

/** Resolves a host name to all of its addresses. */
export type HostLookup = (hostname: string) => Promise<readonly ResolvedAddress[]>;

export type Egress = {
  /** `host:port` pairs that may be private, and whose port need not be 80 or 443. */
  readonly allowHosts: ReadonlySet<string>;
  readonly lookup: HostLookup;
};

export const dnsLookup: HostLookup = (hostname) => systemLookup(hostname, { all: true, verbatim: true });

/** A host that only private addresses answer for: refused, and not tried again. */
export const privateHost = "the host is not public";

const ports: Readonly<Record<string, string>> = { "http:": "80", "https:": "443" };

/** Why a URL may not be fetched; empty where it may, as far as the URL itself tells. */
export function refusal(url: URL, { allowHosts }: Egress): string {
  const standard = ports[url.protocol];
  if (standard === undefined) return "only http and https are fetched";
  if (url.username !== "" || url.password !== "") return "credentials in a URL are refused";
  if (allowHosts.has(hostAndPort(url))) return "";
  const port = url.port || standard;
  if (!Object.values(ports).includes(port)) return "only ports 80 and 443 are fetched";
  const host = bareHost(url);
  return isIP(host) !== 0 && !isPublicAddress(host) ? privateHost : "";
}

/**
 * The `lookup` that a connection to `url` uses: it decides on the very addresses that are then connected to, so a name
 * that changes its answer gains nothing. One private address among several refuses the host.
 * It is not asked about IP literals: `refusal` decides on those.
 */
export function guardedLookup(url: URL, { allowHosts, lookup }: Egress): LookupFunction {
  const anyAddress = allowHosts.has(hostAndPort(url));
  return (hostname, options, callback) => {
    const fail = (error: NodeJS.ErrnoException) => callback(error, "", 0);
    const resolved = Promise.resolve().then(() => lookup(hostname));
    resolved.then(
      (addresses) => {
        const [only] = addresses;
        if (!only) fail(errorOf("ENOTFOUND"));
        else if (!anyAddress && !addresses.every(({ address }) => isPublicAddress(address))) fail(errorOf("EPRIVATE"));
        else if (options.all) callback(null, [...addresses]);
        else callback(null, only.address, only.family);
      },
      (error: unknown) => fail(error instanceof Error ? error : errorOf("ENOTFOUND")),
    );
  };
}

const errorOf = (code: string): NodeJS.ErrnoException => Object.assign(new Error(code), { code });

const hostAndPort = (url: URL): string => `${url.hostname}:${url.port || (ports[url.protocol] ?? "")}`;

const bareHost = ({ hostname }: URL): string => (hostname.startsWith("[") ? hostname.slice(1, -1) : hostname);
