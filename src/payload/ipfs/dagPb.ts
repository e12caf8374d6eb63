import { failed, PayloadError } from "../failure.ts";
import { type Cid, cidBytes, readCid } from "./cid.ts";
import { malformed } from "./malformed.ts";
import { type Field, readFields, writeFields } from "./protobuf.ts";

type DagLink = {
  readonly cid: Cid;
  readonly name: string;
  /** Bytes of all blocks below, as the writer counted them. */
  readonly size: number;
};

/** A block of codec dag-pb: https://ipld.io/specs/codecs/dag-pb/spec/ */
export type DagNode = { readonly links: readonly DagLink[]; readonly data: Uint8Array };

/**
 * Reads a dag-pb block. A field that does not belong, or comes twice, is refused, so that nobody reads it otherwise.
 *
 * @param maxLinks One takes eight bytes of the block, and some hundred once it is read.
 * @throws PayloadError if it is none, or has more links.
 */
export function decodeDagPb(block: Uint8Array, maxLinks: number): DagNode {
  const links: DagLink[] = [];
  let data: Uint8Array | undefined;
  for (const { number, value } of readFields(block)) {
    if (typeof value === "number") throw malformed();
    if (number === 2) {
      if (links.length === maxLinks) {
        throw new PayloadError({ ...failed(`an IPFS block has more than ${maxLinks} links`), proven: true });
      }
      links.push(decodeLink(value));
    } else if (number === 1 && data === undefined) data = value;
    else throw malformed();
  }
  return { links, data: data ?? new Uint8Array() };
}

function decodeLink(bytes: Uint8Array): DagLink {
  const fields = new Map<number, Field["value"]>();
  for (const { number, value } of readFields(bytes)) {
    if (fields.has(number) || number < 1 || number > 3) throw malformed();
    fields.set(number, value);
  }
  const [hash, name = new Uint8Array(), size = 0] = [fields.get(1), fields.get(2), fields.get(3)];
  const cid = hash instanceof Uint8Array ? readCid(hash) : undefined;
  if (!cid || !(name instanceof Uint8Array) || typeof size !== "number") throw malformed();
  return { cid, name: Buffer.from(name).toString("utf8"), size };
}

/** Writes a dag-pb block in its canonical form: links before data. */
export function encodeDagPb({ links, data }: DagNode, version: 0 | 1): Uint8Array {
  return writeFields([
    ...links.map(({ cid, name, size }) => ({
      number: 2,
      value: writeFields([
        { number: 1, value: cidBytes(cid, cid.codec === 0x70 ? version : 1) },
        { number: 2, value: Buffer.from(name, "utf8") },
        { number: 3, value: size },
      ]),
    })),
    { number: 1, value: data },
  ]);
}
