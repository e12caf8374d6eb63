import { type Cid, cidOf, codecs, hashes } from "../../../../src/payload/ipfs/cid.ts";
import { encodeDagPb } from "../../../../src/payload/ipfs/dagPb.ts";
import { encodeUnixFsFile } from "../../../../src/payload/ipfs/unixFs.ts";
import type { Blocks } from "./blocks.ts";

const noData = encodeUnixFsFile(new Uint8Array(), []);

/** A block, of a file unless it is said otherwise, that links to one CID so many times. */
export function linkTo(blocks: Blocks, cid: Cid, times: number, data: Uint8Array = noData): Cid {
  const rest = encodeDagPb({ links: [], data }, 1);
  const once = encodeDagPb({ links: [{ cid, name: "", size: 0 }], data }, 1);
  const link = once.subarray(0, once.length - rest.length);
  const bytes = Buffer.concat([Buffer.alloc(times * link.length, link), rest]);
  return blocks.add({ cid: cidOf(codecs.dagPb, bytes), bytes });
}

/** A CID that holds its block itself. */
const inline = (codec: number, block: Uint8Array): Cid => ({ codec, hash: hashes.identity, digest: block });

const empty = inline(codecs.raw, new Uint8Array());
/** Of a file that has a field of two bytes, which nobody knows, so many times. */
const dataOfFields = (times: number) => Buffer.concat([noData, Buffer.alloc(2 * times, Buffer.of(0x20, 0x00))]);

/** Graphs of a megabyte or two that say the same again and again, and the reason that each is refused for. */
export const smallAndEndless: Readonly<Record<string, readonly [reason: string, build: (blocks: Blocks) => Cid]>> = {
  "two thousand links to a block of a hundred thousand": [
    "an IPFS block has more than 2048 links",
    (blocks) => linkTo(blocks, linkTo(blocks, empty, 100_000), 2_000),
  ],
  "two thousand links to a block of two thousand": [
    "the IPFS file has more than 2048 blocks",
    (blocks) => linkTo(blocks, linkTo(blocks, empty, 2_000), 2_000),
  ],
  "two thousand links to a block of six hundred thousand fields": [
    "the IPFS file is malformed",
    (blocks) => linkTo(blocks, blocks.addNode({ links: [], data: dataOfFields(600_000) }), 2_000),
  ],
  "a thousand links to a block behind which a CID holds a megabyte itself": [
    "an IPFS link holds more than 128 bytes itself",
    (blocks) => {
      const block = encodeDagPb({ links: [], data: dataOfFields(600_000) }, 1);
      return linkTo(blocks, linkTo(blocks, inline(codecs.dagPb, block), 1), 1_000);
    },
  ],
};
