import { lookup, Resolver } from "node:dns/promises";
import type { HostLookup, ResolvedAddress } from "./egress.ts";

/** The system's resolver: hosts file, search domains and all. For names that the operator wrote. */
export const systemLookup: HostLookup = (hostname) => lookup(hostname, { all: true, verbatim: true });

/**
 * Asks the name servers, and nothing else, for a stranger's name. The system's resolver would look into the hosts file
 * and the search domains, and a name whose servers never answer would hold one of the few threads that the process has
 * for its files and its other names.
 *
 * @throws the resolver's error if there is no address of either family.
 */
export const publicLookup: HostLookup = async (hostname) => {
  const resolver = new Resolver({ timeout: 1_500, tries: 2 });
  const [ipv4, ipv6] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
  const found = [...addressesOf(ipv4, 4), ...addressesOf(ipv6, 6)];
  if (found.length === 0 && ipv4.status === "rejected") throw ipv4.reason;
  return found;
};

const addressesOf = (result: PromiseSettledResult<string[]>, family: number): readonly ResolvedAddress[] =>
  result.status === "fulfilled" ? result.value.map((address) => ({ address, family })) : [];
