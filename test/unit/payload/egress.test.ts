import type { LookupAddress } from "node:dns";
import { Resolver } from "node:dns/promises";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { type Egress, guardedLookup, privateHost, type ResolvedAddress, refusal } from "../../../src/payload/egress.ts";
import { followRedirect, locationOf, maxRedirects } from "../../../src/payload/redirect.ts";
import { publicLookup, systemLookup } from "../../../src/payload/resolveHost.ts";

const of = (...addresses: readonly string[]): readonly ResolvedAddress[] =>
  addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
const egress = (changes: Partial<Egress> = {}): Egress => ({
  allowHosts: new Set(["gateway.internal:8080", "plain.internal:80", "[fd00::5]:443"]),
  schemes: new Set(["https"]),
  ports: new Set([443, 8443]),
  lookup: async () => of("8.8.8.8"),
  trustedLookup: async () => of("10.0.0.7"),
  ...changes,
});

describe("a stranger's URL", () => {
  it.each([
    ["https://a.example/ipfs/x", ""],
    ["https://a.example:8443/", ""],
    ["https://8.8.8.8/", ""],
    ["https://[2606:4700::1111]/", ""],
    ["http://a.example/", "only https is fetched"],
    ["https://a.example:22/", "only the ports 443, 8443 are fetched"],
    ["https://user@a.example/", "credentials in a URL are refused"],
    ["https://:secret@a.example/", "credentials in a URL are refused"],
    ["https://10.0.0.7/", privateHost],
    ["https://[::1]/", privateHost],
    ["https://[::ffff:10.0.0.7]/", privateHost],
    ["ftp://a.example/", "only http and https are fetched"],
    ["file:///etc/passwd", "only http and https are fetched"],
  ])("%s is fetched, or refused by what it says: %s", (url, why) => {
    expect(refusal(new URL(url), egress())).toBe(why);
  });

  it.each([
    ["http://gateway.internal:8080/ipfs/x", ""],
    ["https://gateway.internal:8080/ipfs/x", ""],
    ["https://[fd00::5]/", ""],
    ["http://plain.internal/", ""],
    ["http://gateway.internal/ipfs/x", "only https is fetched"],
    ["https://gateway.internal:8081/", "only the ports 443, 8443 are fetched"],
    ["https://[fd00::6]/", privateHost],
    ["http://user:secret@gateway.internal:8080/", "credentials in a URL are refused"],
    ["ftp://gateway.internal:8080/", "only http and https are fetched"],
  ])("%s is let through for the operator's exceptions by host and port alone: %s", (url, why) => {
    expect(refusal(new URL(url), egress())).toBe(why);
  });
});

describe("the addresses that a connection is made to", () => {
  const resolve = (url: string, changes: Partial<Egress> = {}, all = true) =>
    new Promise<string | readonly string[]>((done) => {
      const { hostname } = new URL(url);
      guardedLookup(new URL(url), egress(changes))(hostname, { all }, (error, found) => {
        if (error) done(error.code ?? error.message);
        else done(typeof found === "string" ? found : found.map(({ address }: LookupAddress) => address));
      });
    });
  const stranger = "https://a.example/";
  const gateway = "http://gateway.internal:8080/";

  it("are those of a stranger's name where each of them is public, and never more than eight", async () => {
    const many = Array.from({ length: 20 }, (_, index) => `8.8.8.${index}`);
    expect(await resolve(stranger)).toEqual(["8.8.8.8"]);
    expect(await resolve(stranger, { lookup: async () => of("8.8.4.4", "2606:4700::1111") }, false)).toBe("8.8.4.4");
    expect(await resolve(stranger, { lookup: async () => of(...many) })).toEqual(many.slice(0, 8));
  });

  it.each([[["10.0.0.7"]], [["8.8.8.8", "10.0.0.7"]], [["10.0.0.7", "8.8.8.8"]], [["8.8.8.8", "::1"]]])(
    "are none where one of them is private, whether one or all are asked for: %j",
    async (addresses) => {
      for (const all of [true, false])
        expect(await resolve(stranger, { lookup: async () => of(...addresses) }, all)).toBe("EPRIVATE");
    },
  );

  it("are private for what the operator named, whose name the system resolves, and for nothing else there", async () => {
    const onlyPublic = { lookup: async () => expect.unreachable() };
    expect(await resolve(gateway, onlyPublic)).toEqual(["10.0.0.7"]);
    const elsewhere = "http://gateway.internal:8081/";
    expect(await resolve(elsewhere, { lookup: async () => of("10.0.0.7") })).toBe("EPRIVATE");
    expect(await resolve(stranger, { trustedLookup: async () => expect.unreachable() })).toEqual(["8.8.8.8"]);
  });

  it("are none where the name has none, or its servers do not answer", async () => {
    const broken = async () => Promise.reject(Object.assign(new Error("no"), { code: "ESERVFAIL" }));
    expect(await resolve(stranger, { lookup: async () => [] })).toBe("ENOTFOUND");
    expect(await resolve(gateway, { trustedLookup: async () => [] })).toBe("ENOTFOUND");
    expect(await resolve(stranger, { lookup: broken })).toBe("ESERVFAIL");
    expect(await resolve(stranger, { lookup: () => Promise.reject("no") })).toBe("ENOTFOUND");
  });

  it.each<[string, () => Promise<string[]>, () => Promise<string[]>, readonly ResolvedAddress[] | string]>([
    ["both", async () => ["8.8.8.8"], async () => ["2606:4700::1111"], of("8.8.8.8", "2606:4700::1111")],
    ["the newer one alone", () => Promise.reject(new Error("ENODATA")), async () => ["2a00::1"], of("2a00::1")],
    ["the older one alone", async () => ["8.8.8.8"], () => Promise.reject(new Error("ENODATA")), of("8.8.8.8")],
    ["none", () => Promise.reject(new Error("ENOTFOUND")), () => Promise.reject(new Error("ENODATA")), "ENOTFOUND"],
  ])("are those of either family that the name servers know: %s", async (_what, ipv4, ipv6, expected) => {
    // There are no name servers here.
    vi.spyOn(Resolver.prototype, "resolve4").mockImplementation(ipv4 as never);
    vi.spyOn(Resolver.prototype, "resolve6").mockImplementation(ipv6 as never);
    onTestFinished(() => void vi.restoreAllMocks());
    const found = await publicLookup("a.example").catch(({ message }: Error) => message);
    expect(found).toEqual(expected);
  });

  it("are all that the system has for a name of the operator's", async () => {
    for (const { address, family } of await systemLookup("localhost"))
      expect([address, family]).toEqual(address.includes(":") ? ["::1", 6] : ["127.0.0.1", 4]);
  });
});

describe("a redirect", () => {
  it("is an answer of one of five kinds that names a place", () => {
    const kinds = [200, 300, 301, 302, 303, 304, 305, 306, 307, 308, 404];
    const to = (statusCode: number) => locationOf({ statusCode, headers: { location: "/b" } });
    expect(kinds.filter((status) => to(status) === "/b")).toEqual([301, 302, 303, 307, 308]);
    expect(locationOf({ statusCode: 302, headers: {} })).toBeUndefined();
    expect(maxRedirects).toBe(3);
  });

  it("leads to a place that may be relative, and never to a weaker scheme", () => {
    const from = new URL("https://a.example/ipfs/x");
    const to = (location: string, start = from) => {
      const followed = followRedirect(start, location);
      return followed.ok ? followed.url.href : followed.error;
    };
    expect(to("../y")).toBe("https://a.example/y");
    expect(to("//b.example/")).toBe("https://b.example/");
    expect(to("http://a.example/")).toBe("a redirect leads from https to http");
    expect(to("http://a.example/", new URL("http://b.example/"))).toBe("http://a.example/");
    expect(to("http://[")).toBe("a redirect leads to no URL");
  });
});
