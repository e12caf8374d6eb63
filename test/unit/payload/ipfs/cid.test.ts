import fc from "fast-check";
import { base36 } from "multiformats/bases/base36";
import { base58btc } from "multiformats/bases/base58";
import { CID } from "multiformats/cid";
import * as raw from "multiformats/codecs/raw";
import { identity } from "multiformats/hashes/identity";
import { sha256, sha512 } from "multiformats/hashes/sha2";
import { expect, test } from "vitest";
import {
  cidBytes,
  cidText,
  codecs,
  hashes,
  isVerifiable,
  matchesCid,
  parseCid,
  readCid,
} from "../../../../src/payload/ipfs/cid.ts";

test("reads every form that the reference library writes, as the same CID", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array(), fc.constantFrom(...Object.values(codecs), 0x71), async (body, codec) => {
      for (const hasher of [sha256, sha512]) {
        const hash = await hasher.digest(body);
        const cid = CID.createV1(codec, hash);
        const texts = [cid.toString(), cid.toString(base36), cid.toString(base58btc), cid.toString().toUpperCase()];
        if (codec === codecs.dagPb && hasher === sha256) texts.push(CID.createV0(await sha256.digest(body)).toString());
        for (const text of texts) {
          const parsed = parseCid(text);
          expect(parsed).toEqual({ codec, hash: hasher.code, digest: Uint8Array.from(hash.digest) });
          expect(parsed && cidText(parsed)).toBe(cid.toString());
          expect(parsed && cidBytes(parsed, 1)).toEqual(Uint8Array.from(cid.bytes));
        }
      }
    }),
  );
});

test("bytes match the CID that names them, and no other", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array(), fc.uint8Array(), async (body, other) => {
      for (const hash of [await sha256.digest(body), await sha512.digest(body), await identity.digest(body)]) {
        const cid = parseCid(CID.createV1(raw.code, hash).toString());
        if (body.length === 0 && hash.code === identity.code) continue;
        expect(cid && isVerifiable(cid)).toBe(true);
        expect(cid && matchesCid(cid, body)).toBe(true);
        expect(cid && matchesCid(cid, other)).toBe(Buffer.from(body).equals(other));
      }
    }),
  );
});

test("a hash that is not known here matches nothing and contradicts nothing", () => {
  const blake3 = { codec: codecs.raw, hash: 0x1e, digest: new Uint8Array(32) };
  expect(parseCid(cidText(blake3))).toEqual(blake3);
  expect(matchesCid(blake3, new Uint8Array())).toBeUndefined();
  expect(isVerifiable(blake3)).toBe(false);
});

const broken = [
  "",
  "b",
  `b${"a".repeat(58)}`,
  `b${"1".repeat(58)}`,
  "Qm".padEnd(46, "0"),
  "Qm".padEnd(45, "a"),
  "Qm".padEnd(47, "a"),
  `z${"1".repeat(60)}`,
  "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyk",
  "f01551220abc",
  "../../etc/passwd",
  "z".repeat(257),
];

test.each(broken)("%s is no CID", (text) => expect(parseCid(text)).toBeUndefined());

test("no bytes make the reader throw", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => void readCid(bytes)));
  fc.assert(fc.property(fc.string({ maxLength: 80 }), (text) => void parseCid(text)));
  const endless = Uint8Array.from([1, ...Array(40).fill(0xff)]);
  expect(readCid(endless)).toBeUndefined();
  expect(readCid(Uint8Array.of(hashes.sha256, 32, 1))).toBeUndefined();
});
