import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createScrubber } from "../../../src/ops/scrub.ts";

const digits = "8f2a559490d1c1c7b6a6b8d1e3f4a5968778695a4b3c2d1e0f1a2b3c4d5e6f70";
const hash = `0x${"3b".repeat(32)}`;

describe("createScrubber", () => {
  const scrub = createScrubber(
    [`0x${digits}`, 'pass"word\\1'],
    ["https://user:p%40ssw0rd@rpc.example/v3/0123456789abcdef?apikey=short-key-9&chain=mainnet"],
  );

  it.each([
    ["with 0x", `key 0x${digits} used`, "key *** used"],
    ["without 0x", `key=${digits}`, "key=***"],
    ["in capitals", `key 0X${digits.toUpperCase()}.`, "key ***."],
    ["inside other hex", `0xf86b${digits}25`, "0xf86b***25"],
    ["raw", 'is pass"word\\1 here', "is *** here"],
    ["escaped in JSON", JSON.stringify({ a: 'pass"word\\1' }), '{"a":"***"}'],
    ["a URL's token by itself", "POST /v3/0123456789abcdef failed", "POST /v3/*** failed"],
    ["a URL's decoded password", "bad password p@ssw0rd", "bad password ***"],
    ["a URL's encoded password", "bad password p%40ssw0rd", "bad password ***"],
    ["a URL's user and password in base64", `x ${btoa("user:p@ssw0rd")}`, "x ***"],
    ["a query's value", "key short-key-9 expired", "key *** expired"],
  ])("hides a registered secret: %s", (_, text, clean) => {
    expect(scrub(text)).toBe(clean);
  });

  it("leaves a registered URL's ordinary words alone", () => {
    expect(scrub("mainnet user at rpc.example /v3/")).toBe("mainnet user at rpc.example /v3/");
  });

  const blind = createScrubber([], []);

  it.each([
    ["a URL's user part", "wss://me:secret@h/x", "wss://***@h/x"],
    ["a user part with an @ inside", "https://me:a@b@h/", "https://***@h/"],
    ["a token in a path", "https://h/v3/abcdef0123456789abcdef01 down", "https://h/v3/*** down"],
    ["a key in a query", "https://h/?api_key=abc&x=1", "https://h/?api_key=***&x=1"],
    ["a header", "Authorization: Bearer abc.def", "Authorization: ***"],
    ["a header in JSON", '{"authorization":"Basic dTpw","a":1}', '{"authorization":"***","a":1}'],
    ["a bearer token", "sent Bearer eyJhbGciOi.x1 to it", "sent Bearer *** to it"],
    ["a named key", `PRIVATE_KEY=0x${digits}`, "PRIVATE_KEY=***"],
    ["a named key in JSON", `{"privateKey":"${digits}"}`, '{"privateKey":"***"}'],
  ])("hides what looks like a secret by where it stands: %s", (_, text, clean) => {
    expect(blind(text)).toBe(clean);
  });

  it.each([
    ["a transaction's hash", `mined ${hash}`],
    ["a hash in an explorer's URL", `https://ogpuscan.io/tx/${hash}`],
    ["an address in a URL", "https://ogpuscan.io/task/0x2b0cC6058313801D5feb184a539e3a0C5A87a6a1"],
    ["a content identifier", "https://cipfs.ogpuscan.io/ipfs/QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG"],
    [
      "a content identifier, version 1",
      "https://h/ipfs/bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi/a.json",
    ],
    ["words", "the bearer certificate of a basic authentication, and a private key that is missing"],
    ["a long readable path", "https://docs.example/how-to-configure-the-thing-properly"],
    ["a host and port", "https://mainnet-rpc.ogpuscan.io:8545/"],
  ])("keeps %s", (_, text) => {
    expect(blind(text)).toBe(text);
  });

  it("keeps JSON valid and hides the key, wherever it stands", () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(digits, digits.toUpperCase(), `0x${digits}`), (json, key) => {
        const line = JSON.stringify({ [`a${key}`]: [JSON.parse(json), `x${key}y`], url: `https://h/${key}` });
        const clean = scrub(line);
        expect(() => JSON.parse(clean)).not.toThrow();
        expect(clean.toLowerCase()).not.toContain(digits);
      }),
    );
  });

  it("takes linear time on hostile text", () => {
    const run = (length: number) => {
      const texts = ["a", "://a", "https://a/", "bearer ", "authorization: ", "private key ", "=a0", "@:"];
      const startedAt = performance.now();
      for (const text of texts) blind(text.repeat(length / text.length));
      return performance.now() - startedAt;
    };
    run(100_000);
    expect(run(400_000)).toBeLessThan(2_000);
  });
});
