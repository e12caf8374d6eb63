import fc from "fast-check";
import { CID } from "multiformats/cid";
import * as raw from "multiformats/codecs/raw";
import { sha256 } from "multiformats/hashes/sha2";
import { expect, test } from "vitest";
import { digestOfCid, looksLikeCid, matchesCid } from "../../../src/payload/cid.ts";

test("bytes match the raw CIDv1 that names them, and no other", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array(), fc.uint8Array(), async (body, other) => {
      const cid = CID.createV1(raw.code, await sha256.digest(body)).toString();
      expect(looksLikeCid(cid)).toBe(true);
      expect(matchesCid(cid, body)).toBe(true);
      expect(matchesCid(cid, other)).toBe(Buffer.from(body).equals(other));
    }),
  );
});

test("any other CID is left unverified", async () => {
  const hash = await sha256.digest(new Uint8Array());
  const dagPb = 0x70;
  for (const cid of [CID.createV0(hash).toString(), CID.createV1(dagPb, hash).toString(), "", `b${"a".repeat(58)}`]) {
    expect(digestOfCid(cid)).toBeUndefined();
    expect(matchesCid(cid, new Uint8Array())).toBeUndefined();
  }
});
