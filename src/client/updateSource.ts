import { calls } from "./calls.ts";
import type { ClientContext } from "./context.ts";
import { readAddress } from "./inputs.ts";
import { publishToIpfs } from "./publishToIpfs.ts";
import { readSource, requireActsFor } from "./reads.ts";
import { signerOf } from "./signerOf.ts";
import { draftSource } from "./sourceParams.ts";
import type { MinedTransaction, SourceInfo, WriteOptions } from "./types.ts";

/**
 * Gives a source new terms. Tasks that are published already keep theirs.
 *
 * @throws InputError if the address is no source of this network, or the terms are wrong; RefusedError `NOT_ALLOWED` if it
 *   is somebody else's; RetryableError `UPLOAD_FAILED`. All before any gas is spent. RefusedError `SUPERSEDED` if an update that was
 *   called for later is signed, and this one is not, or would have to be signed anew.
 * @example await client.updateSource(source, { ...info, minPayment: "0.002 OGPU" });
 */
export async function updateSource(
  context: ClientContext,
  address: string,
  info: SourceInfo,
  options: WriteOptions = {},
): Promise<MinedTransaction> {
  const signer = signerOf(context, options);
  const source = readAddress("the source", address);
  const lane = context.laneOf(signer);
  const turn = lane.turn(`source ${source}`);
  const { client } = await readSource(context, source);
  const { terms, metadata } = draftSource(client, info);
  const check = (rpc = context.rpc) =>
    requireActsFor({ ...context, rpc }, signer.address, client, `the source ${source}`);
  await check();
  const imageMetadataUrl = await publishToIpfs(context, metadata, { filename: "imageMetadata.json" });
  const call = calls.updateSource(context.contracts, source, { ...terms, imageMetadataUrl });
  return lane.mine({ what: `the update of the source ${source}`, ...call, check, turn }, options);
}
