import { BlockList, isIP } from "node:net";

const blocks = (subnets: readonly string[], family: "ipv4" | "ipv6"): BlockList => {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [address = "", prefix = "0"] = subnet.split("/");
    list.addSubnet(address, Number(prefix), family);
  }
  return list;
};

/**
 * Azure's platform endpoint. By its number it is public; but it is reached from inside of a virtual machine alone, and tells that
 * machine's agent what is for nobody else.
 */
const azurePlatform = "168.63.129.16/32";

/** IANA IPv4 special-purpose registry, multicast and class E, and what only looks public. */
const reservedIpv4 = blocks(
  [
    ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"],
    ...["192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16"],
    ...["192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"],
    azurePlatform,
  ],
  "ipv4",
);

/** All of global unicast: what is outside (loopback, ULA, link-local, mapped, NAT64, multicast) is not public. */
const globalIpv6 = blocks(["2000::/3"], "ipv6");

/** Inside global unicast: IETF assignments with Teredo and ORCHID, documentation, 6to4, AS112. */
const reservedIpv6 = blocks(["2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"], "ipv6");

/**
 * Tells whether an IP address is a public unicast one, which a stranger's URL may lead to.
 *
 * @param address An IPv4 or IPv6 address without brackets; anything else is not public.
 */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !reservedIpv4.check(address, "ipv4");
    case 6:
      return !address.includes("%") && globalIpv6.check(address, "ipv6") && !reservedIpv6.check(address, "ipv6");
    default:
      return false;
  }
}
