import { cidOf, cidText, codecs, parseCid } from "../../../../src/payload/ipfs/cid.ts";
import { encodeUnixFsFile } from "../../../../src/payload/ipfs/unixFs.ts";
import type { Arena } from "../support/arena.ts";
import { serveBlocks } from "../support/blockGateway.ts";
import { type Blocks, createBlocks, wrapped } from "../support/blocks.ts";
import { smallAndEndless } from "../support/graphs.ts";
import { pattern } from "../support/pattern.ts";
import { type HostileRow, tooLarge } from "./row.ts";

const json = new TextEncoder().encode('{"a": 1}');

/** A CID behind a gateway that gives blocks. */
const behind =
  (build: (blocks: Blocks) => string) =>
  async (arena: Arena): Promise<string> => {
    const blocks = createBlocks();
    const cid = build(blocks);
    return `http://${await serveBlocks(arena, blocks)}/ipfs/${cid}`;
  };

const level = (blocks: Blocks, below: string, links: number) => {
  const cid = parse(below);
  return cidText(
    blocks.addNode({
      links: Array.from({ length: links }, () => ({ cid, name: "", size: 0 })),
      data: encodeUnixFsFile(new Uint8Array(), []),
    }),
  );
};

const parse = (text: string) => {
  const cid = parseCid(text);
  if (!cid) throw new Error("not a CID");
  return cid;
};

const unfolding = (levels: number, links: number) => (blocks: Blocks) => {
  let cid = cidText(blocks.addFile(pattern(10)));
  for (let nth = 0; nth < levels; nth++) cid = level(blocks, cid, links);
  return cid;
};

export const contents: readonly HostileRow[] = [
  [
    "a body that is not what its CID names",
    "CID mismatch (transient)",
    async ({ reply }) => `http://${await reply('{"a": "secret"}')}/ipfs/${cidText(cidOf(codecs.raw, json))}`,
  ],
  [
    "a block that is not what its CID names",
    "CID mismatch (transient)",
    async ({ reply }) => {
      const host = await reply("secret", { "content-type": "application/vnd.ipld.raw" });
      return `http://${host}/ipfs/${cidText(cidOf(codecs.dagPb, json))}`;
    },
  ],
  ["a graph that unfolds without end", "the IPFS file has more than 2048 blocks", behind(unfolding(12, 50))],
  ...Object.entries(smallAndEndless).map(
    ([what, [reason, build]]): HostileRow => [what, reason, behind((blocks) => cidText(build(blocks)))],
  ),
  ["a chain of a hundred blocks", "the IPFS file nests deeper than 16", behind(unfolding(100, 1))],
  ["a chunked file of 2 MiB", tooLarge, behind((blocks) => cidText(blocks.addFile(pattern(2 << 20))))],
  ["a folder", "the CID names a folder", behind((blocks) => cidText(blocks.addFolder({ a: blocks.addFile(json) })))],
  [
    "a path that is not there",
    "the IPFS path does not exist",
    behind((blocks) => `${cidText(blocks.addFolder({ a: blocks.addFile(json) }))}/b.json`),
  ],
  [
    "a graph of rubbish",
    "the IPFS file is malformed",
    behind((blocks) => {
      const bytes = Buffer.from("secret");
      return cidText(blocks.add({ cid: cidOf(codecs.dagPb, bytes), bytes }));
    }),
  ],
  [
    "a chunked file with a hole",
    "HTTP 404",
    behind((blocks) => level(blocks, cidText(cidOf(codecs.raw, Buffer.from("never added"))), 1)),
  ],
  [
    "verified bytes that are not JSON",
    "not JSON",
    behind((blocks) => cidText(blocks.addFile(Buffer.from("secret"), wrapped))),
  ],
  [
    "ipfs:// that climbs",
    "not an IPFS URL",
    () => "ipfs://bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku/../x",
  ],
  ["ipfs:// of no CID", "not an IPFS URL", () => "ipfs://127.0.0.1/secret"],
];
