import { type Failure, failed, PayloadError, tooLarge } from "../failure.ts";
import type { Fetched, FetchUrl } from "../fetchUrl.ts";
import type { BlockCache } from "./blockCache.ts";
import { matchFile } from "./buildFile.ts";
import { type Cid, cidText, codecs, hashes, isVerifiable, isWholeBlock, matchesCid } from "./cid.ts";
import type { Gateway } from "./gateway.ts";
import { readFile, Unverifiable } from "./readFile.ts";
import type { IpfsReference } from "./reference.ts";

/** What a gateway gave for a CID. Where it is not `verified`, it is not proven wrong either. */
export type Answer =
  | { readonly ok: true; readonly body: Uint8Array; readonly type: string; readonly verified: boolean }
  | Failure;

export type AskDeps = {
  readonly fetchUrl: FetchUrl;
  readonly cache: BlockCache;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
};

const cidMismatch: Failure = failed("CID mismatch", true);

const rawBlock = "application/vnd.ipld.raw";

/** A folder's block may be larger than the file below it; peers exchange none that are larger than 2 MiB. */
const blockBytes = 2_097_152;

/** What stands around the file's bytes in a block: links, lengths. */
const ballastBytes = 131_072;

/** Statuses by which a gateway says that it gives no blocks: the file itself may still be had. */
const noBlocks: ReadonlySet<number | undefined> = new Set([400, 403, 405, 406, 415, 501]);

/**
 * Asks one gateway for a file, and proves it where it can be proven. A small file is one block, and its hash is the CID.
 * Any other is a graph: its blocks are fetched one by one. A gateway that gives no blocks is asked for the whole file,
 * which is then cut into blocks again in the usual ways.
 */
export async function askGateway(gateway: Gateway, reference: IpfsReference, deps: AskDeps): Promise<Answer> {
  const { cid, path } = reference;
  if (path.length === 0 && isWholeBlock(cid)) return askWhole(gateway, reference, deps);
  const walks = cid.codec === codecs.dagPb || cid.codec === codecs.raw;
  if (!walks || !isVerifiable(cid)) return plain(await askPlain(gateway, reference, deps));
  /** What a gateway that knows no blocks answered when it was asked for the first. */
  const served: { answer?: Fetched } = {};
  const getBlock = async (wanted: Cid): Promise<Uint8Array> => {
    const cached = await deps.cache.get(wanted);
    if (cached) return cached;
    const isRoot = wanted === cid;
    const isFile = isRoot && path.length === 0;
    const maxBytes = isFile ? deps.maxBytes + ballastBytes : Math.max(deps.maxBytes + ballastBytes, blockBytes);
    const url = gateway.urlOf(isRoot ? reference.text : cidText(wanted), [], "?format=raw");
    const fetched = await deps.fetchUrl(url, { maxBytes, accept: rawBlock, signal: deps.signal });
    if (!fetched.ok) {
      if (noBlocks.has(fetched.status)) throw new Unverifiable();
      if (fetched.error !== tooLarge(maxBytes).error) throw new PayloadError(fetched);
      throw new PayloadError(isFile ? tooLarge(deps.maxBytes) : failed("the IPFS file has too large blocks"));
    }
    if (matchesCid(wanted, fetched.body)) {
      await deps.cache.put(wanted, fetched.body);
      return fetched.body;
    }
    if (fetched.type === rawBlock) throw new PayloadError(cidMismatch);
    if (isFile) served.answer = fetched;
    throw new Unverifiable();
  };
  try {
    return { ok: true, body: await readFile(cid, path, getBlock, deps.maxBytes), type: "", verified: true };
  } catch (error) {
    if (error instanceof PayloadError) return error.failure;
    if (!(error instanceof Unverifiable)) throw error;
    const fetched = served.answer ?? (await askPlain(gateway, reference, deps));
    return path.length === 0 ? recut(cid, fetched, deps) : plain(fetched);
  }
}

async function askWhole(gateway: Gateway, reference: IpfsReference, deps: AskDeps): Promise<Answer> {
  const { cid } = reference;
  const cached = cid.hash === hashes.identity ? cid.digest : await deps.cache.get(cid);
  if (cached) return verified(cached, deps.maxBytes);
  const fetched = await askPlain(gateway, reference, deps);
  if (!fetched.ok) return fetched;
  const matches = matchesCid(cid, fetched.body);
  if (matches === undefined) return plain(fetched);
  if (!matches) return cidMismatch;
  await deps.cache.put(cid, fetched.body);
  return verified(fetched.body, deps.maxBytes);
}

async function recut(cid: Cid, fetched: Fetched, { cache, maxBytes }: AskDeps): Promise<Answer> {
  if (!fetched.ok) return fetched;
  if (fetched.body.length > maxBytes) return tooLarge(maxBytes);
  const built = matchFile(cid, fetched.body);
  if (!built) return plain(fetched);
  for (const block of built.blocks) await cache.put(block.cid, block.bytes);
  return verified(fetched.body, maxBytes);
}

const askPlain = (
  gateway: Gateway,
  { text, path }: IpfsReference,
  { fetchUrl, maxBytes, signal }: AskDeps,
): Promise<Fetched> => fetchUrl(gateway.urlOf(text, path, ""), { maxBytes, signal });

const plain = (fetched: Fetched): Answer => (fetched.ok ? { ...fetched, verified: false } : fetched);

const verified = (body: Uint8Array, maxBytes: number): Answer =>
  body.length > maxBytes ? { ...tooLarge(maxBytes), proven: true } : { ok: true, body, type: "", verified: true };
