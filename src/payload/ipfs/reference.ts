import { type Cid, parseCid } from "./cid.ts";

/** What an `ipfs://` URL, or a gateway's URL, names. */
export type IpfsReference = {
  readonly cid: Cid;
  /** The CID as it was written: gateways know it by that. */
  readonly text: string;
  /** Names of folders and of the file below it, decoded; empty where the CID is the file. */
  readonly path: readonly string[];
};

const maxSegments = 32;

/** Reads `ipfs://CID[/path]`; `undefined` where it is no such URL. */
export function parseIpfsUrl(url: string): IpfsReference | undefined {
  const [, text = "", path = ""] = /^ipfs:\/\/(?:ipfs\/)?([^/?#]+)(\/[^?#]*)?$/i.exec(url) ?? [];
  return referenceOf(text, path);
}

/** A CID with a path below it, percent-encoded; `undefined` where one of them is not what it should be. */
export function referenceOf(text: string, path: string): IpfsReference | undefined {
  const cid = parseCid(text);
  const segments = path.split("/").filter((segment) => segment !== "");
  const names = segments.map(decodeName);
  if (!cid || names.length > maxSegments || names.includes(undefined)) return undefined;
  return { cid, text, path: names as string[] };
}

/** No name climbs, and none is two. */
function decodeName(segment: string): string | undefined {
  try {
    const name = decodeURIComponent(segment);
    return /^\.{1,2}$|[/\\\0]/.test(name) ? undefined : name;
  } catch {
    return undefined;
  }
}
