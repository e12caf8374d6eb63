import { expect, test } from "vitest";
import { cidText } from "../../../src/payload/ipfs/cid.ts";
import { readData } from "../../../src/payload/readData.ts";

const v0 = "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH";
const v1 = "bafybeif7ztnhq65lumvvtr4ekcwd2ifwgm3awq4zfr3srh462rwyinlb4y";

/** What it is, and which URL it would be asked for. */
const shown = (text: string): string => {
  const data = readData(text);
  switch (data.kind) {
    case "inline":
      return "inline";
    case "broken":
      return data.error;
    case "url":
      return data.url.href;
    case "ipfs": {
      const { reference, gateway } = data;
      if (!gateway) return ["ipfs", reference.text, ...reference.path].join(" ");
      return `ipfs ${gateway.urlOf(reference.text, reference.path, "").href}`;
    }
    default:
      return data satisfies never;
  }
};

test.each([
  ['{"a": 1}', "inline"],
  ["hello", "inline"],
  ["file:///etc/passwd", "inline"],
  [`  ipfs://${v0}\n`, `ipfs ${v0}`],
  [`ipfs://ipfs/${v1}/a%20b/c.json/`, `ipfs ${v1} a b c.json`],
  [`IPFS://${v1}`, `ipfs ${v1}`],
  [`ipfs://${v1}?a`, "not an IPFS URL"],
  [`ipfs://${v1}/../a`, "not an IPFS URL"],
  [`ipfs://${v1}/%2e%2E/a`, "not an IPFS URL"],
  [`ipfs://${v1}/a%2Fb`, "not an IPFS URL"],
  [`ipfs://${v1}/a%5cb`, "not an IPFS URL"],
  [`ipfs://${v1}/a%00`, "not an IPFS URL"],
  [`ipfs://${v1}/%ff`, "not an IPFS URL"],
  [`ipfs://${v1}${"/a".repeat(33)}`, "not an IPFS URL"],
  ["ipfs://example.com/a", "not an IPFS URL"],
  ["ipfs://", "not an IPFS URL"],
  ["https://a.example/b?c=d#e", "https://a.example/b?c=d#e"],
  ["https://", "not a URL"],
  [`https://a.example/${"a".repeat(5_000)}`, "a URL longer than 4096 characters"],
  [`https://gw.example/ipfs/${v0}`, `ipfs https://gw.example/ipfs/${v0}`],
  [`https://gw.example:8443/ipfs/${v0}/a%20b`, `ipfs https://gw.example:8443/ipfs/${v0}/a%20b`],
  [`https://gw.example/ipfs/${v0}?format=car`, `https://gw.example/ipfs/${v0}?format=car`],
  [`https://${v1}.ipfs.gw.example/a/b`, `ipfs https://${v1}.ipfs.gw.example/a/b`],
  [`https://${v1}.ipfs.gw.example/`, `ipfs https://${v1}.ipfs.gw.example/`],
  ["https://gw.example/ipfs/nobody", "https://gw.example/ipfs/nobody"],
  [`https://gw.example/a/ipfs/${v0}`, `https://gw.example/a/ipfs/${v0}`],
])("%s", (text, expected) => expect(shown(text)).toBe(expected));

test("both versions of a CID name the same block", () => {
  const [a, b] = [readData(`ipfs://${v0}`), readData(`ipfs://${v1}`)];
  expect(a.kind === "ipfs" && b.kind === "ipfs" && cidText(a.reference.cid) === cidText(b.reference.cid)).toBe(true);
});
