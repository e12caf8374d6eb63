import { isIP } from "node:net";

/**
 * Whom a host name burdens: names under one domain (its last two labels) and IPv6 addresses under one /64 count as one,
 * because whoever has one of them has as many as they like.
 *
 * @param hostname As in `URL.hostname`.
 * @example hostGroup("a1.evil.example") // "evil.example"
 */
export function hostGroup(hostname: string): string {
  if (hostname.startsWith("[")) return networkOf(hostname.slice(1, -1));
  if (isIP(hostname) !== 0) return hostname;
  return hostname.replace(/\.$/, "").split(".").slice(-2).join(".");
}

function networkOf(address: string): string {
  const [head = "", tail] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  const rest = tail === undefined || tail === "" ? [] : tail.split(":");
  while (tail !== undefined && groups.length + rest.length < 8) groups.push("0");
  return `${[...groups, ...rest].slice(0, 4).join(":")}::/64`;
}
