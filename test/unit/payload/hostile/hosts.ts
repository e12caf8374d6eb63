import { resolvesTo } from "../support/arena.ts";
import { type HostileRow, notPublic } from "./row.ts";

const literals = [
  "http://127.0.0.1/",
  "http://2130706433/",
  "http://0x7f000001/",
  "http://0177.0.0.1/",
  "http://127.1/",
  "http://127.0.0.1./",
  "http://①②⑦.0.0.1/",
  "http://0/",
  "http://[::1]/",
  "http://[::ffff:127.0.0.1]/",
  "http://[::ffff:7f00:1]/",
  "http://[64:ff9b::127.0.0.1]/",
  "http://[2002:7f00:1::]/",
  "http://[fe80::1]/",
  "http://[fd00::1]/",
  "https://169.254.169.254/latest/meta-data",
  "http://10.0.0.1/ipfs/QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH",
];

const named = (what: string, ...addresses: string[]): HostileRow => [
  what,
  notPublic,
  () => ({ data: "http://a.example/", options: { lookup: resolvesTo(...addresses) } }),
];

export const hosts: readonly HostileRow[] = [
  ...literals.map((data): HostileRow => [data, notPublic, () => data]),
  named("a name of loopback", "127.0.0.1"),
  named("a name of IPv6-mapped loopback", "::ffff:127.0.0.1"),
  named("a name of link-local", "169.254.169.254"),
  named("a name with one private address among public ones", "8.8.8.8", "10.0.0.1"),
  [
    "a name that changes to loopback once it was checked",
    notPublic,
    () => {
      let asked = 0;
      const lookup = async () => [{ address: asked++ === 0 ? "127.0.0.1" : "8.8.8.8", family: 4 }];
      return { data: "http://rebind.example/", options: { lookup } };
    },
  ],
  [
    "a server of ours that is not excepted",
    "only the ports 443, 80 are fetched",
    async ({ reply }) => ({ data: `http://${await reply("{}")}/`, options: { allowHosts: [] } }),
  ],
  ["localhost", notPublic, () => ({ data: "http://localhost/", options: { lookup: resolvesTo("127.0.0.1") } })],
  ["port 22", "only the ports 443, 80 are fetched", () => "http://8.8.8.8:22/"],
  ["credentials", "credentials in a URL are refused", () => "http://user:secret@8.8.8.8/"],
  ["plain http where only https is allowed", "only https is fetched", () => httpsOnly],
  ["a URL that is none", "not a URL", () => "http://[::1"],
];

const httpsOnly = { data: "http://a.example/", options: { schemes: ["https"] } };
