import { isIP, type LookupFunction } from "node:net";
import { isPublicAddress } from "./publicAddress.ts";

export type ResolvedAddress = { readonly address: string; readonly family: number };

/** Resolves a host name to all of its addresses. */
export type HostLookup = (hostname: string) => Promise<readonly ResolvedAddress[]>;

export type Egress = {
  /** `host:port` pairs that may be private, and whose scheme and port may be any. */
  readonly allowHosts: ReadonlySet<string>;
  /** Such as `https`. */
  readonly schemes: ReadonlySet<string>;
  readonly ports: ReadonlySet<number>;
  /** Resolves what strangers name. */
  readonly lookup: HostLookup;
  /** Resolves `allowHosts`, which the operator named. */
  readonly trustedLookup: HostLookup;
};

/** A host that a private address answers for: refused, and not tried again. */
export const privateHost = "the host is not public";

const standardPorts: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };

/** Addresses of one host that are tried; a resolver may answer with a thousand. */
const maxAddresses = 8;

/** Why a URL may not be fetched; empty where it may, as far as the URL itself tells. */
export function refusal(url: URL, { allowHosts, schemes, ports }: Egress): string {
  if (!(url.protocol in standardPorts)) return "only http and https are fetched";
  if (url.username !== "" || url.password !== "") return "credentials in a URL are refused";
  if (allowHosts.has(hostAndPort(url))) return "";
  if (!schemes.has(url.protocol.slice(0, -1))) return `only ${[...schemes].join(" and ")} is fetched`;
  if (!ports.has(portOf(url))) return `only the ports ${[...ports].join(", ")} are fetched`;
  const host = bareHost(url);
  return isIP(host) !== 0 && !isPublicAddress(host) ? privateHost : "";
}

/**
 * The `lookup` that a connection to `url` uses: it decides on the very addresses that are then connected to, so a name
 * that changes its answer gains nothing. One private address among several refuses the host.
 * It is not asked about IP literals: `refusal` decides on those.
 */
export function guardedLookup(url: URL, { allowHosts, lookup, trustedLookup }: Egress): LookupFunction {
  const trusted = allowHosts.has(hostAndPort(url));
  return (hostname, options, callback) => {
    const fail = (error: NodeJS.ErrnoException) => callback(error, "", 0);
    const resolved = Promise.resolve().then(() => (trusted ? trustedLookup : lookup)(hostname));
    resolved.then(
      (addresses) => {
        const [only] = addresses;
        if (!only) fail(errorOf("ENOTFOUND"));
        else if (!trusted && !addresses.every(({ address }) => isPublicAddress(address))) fail(errorOf("EPRIVATE"));
        else if (options.all) callback(null, addresses.slice(0, maxAddresses));
        else callback(null, only.address, only.family);
      },
      (error: unknown) => fail(error instanceof Error ? error : errorOf("ENOTFOUND")),
    );
  };
}

const errorOf = (code: string): NodeJS.ErrnoException => Object.assign(new Error(code), { code });

const portOf = (url: URL): number => (url.port === "" ? (standardPorts[url.protocol] ?? 0) : Number(url.port));

/** As `allowHosts` has it. */
export const hostAndPort = (url: URL): string => `${url.hostname}:${portOf(url)}`;

const bareHost = ({ hostname }: URL): string => (hostname.startsWith("[") ? hostname.slice(1, -1) : hostname);
