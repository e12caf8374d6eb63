import { CID } from "multiformats/cid";
import * as raw from "multiformats/codecs/raw";
import { sha256 } from "multiformats/hashes/sha2";

/** The CIDv1 of bytes kept as one raw block: sha2-256, base32. */
export const cidOf = async (bytes: Uint8Array): Promise<string> =>
  CID.createV1(raw.code, await sha256.digest(bytes)).toString();
