import { checksummed } from "../protocol/brand.ts";
import { calls } from "./calls.ts";
import type { ClientContext } from "./context.ts";
import { minePublication } from "./minePublication.ts";
import { publishedSource } from "./published.ts";
import { publishToIpfs } from "./publishToIpfs.ts";
import { requireActsFor } from "./reads.ts";
import { signerOf } from "./signerOf.ts";
import { draftSource } from "./sourceParams.ts";
import type { Address, MinedTransaction, SourceInfo, WriteOptions } from "./types.ts";

export type PublishedSource = MinedTransaction & { readonly source: Address };

/**
 * Publishes a source: uploads its metadata, and registers it with the Nexus.
 *
 * @throws InputError `SOURCE_INFO_INVALID`, `AMOUNT_INVALID`; RefusedError `NOT_ALLOWED`, `GAS_UNFUNDED`; RetryableError
 *   `UPLOAD_FAILED`: all before any gas is spent. Once it is signed: NotMinedError if it is not mined in time;
 *   TransactionFailedError if it reverted; AddressUnknownError if it is mined, and no endpoint tells the source's address.
 * @example
 * const { source } = await client.publishSource({
 *   name: "sentiment-service",
 *   description: "AI sentiment analysis service",
 *   logoUrl: "https://example.com/logo.png",
 *   imageEnvs: { cpu: "https://example.com/docker-compose.yml" },
 *   minPayment: "0.001 OGPU",
 *   minAvailableLockup: "0.01 OGPU",
 *   maxExpiryDuration: 86_400,
 * });
 */
export async function publishSource(
  context: ClientContext,
  info: SourceInfo,
  options: WriteOptions = {},
): Promise<PublishedSource> {
  const signer = signerOf(context, options);
  const client = context.onBehalfOf ?? checksummed(signer.address);
  const { terms, metadata } = draftSource(client, info);
  const what = `the publication of the source "${info.name}"`;
  const check = (rpc = context.rpc) => requireActsFor({ ...context, rpc }, signer.address, client, what);
  await check();
  const imageMetadataUrl = await publishToIpfs(context, metadata, { filename: "imageMetadata.json" });
  const call = calls.publishSource(context.contracts, { ...terms, imageMetadataUrl });
  const transaction = { what, ...call, check };
  const lane = context.laneOf(signer);
  const { address: source, ...mined } = await minePublication(context, lane, transaction, publishedSource, options);
  return { ...mined, source };
}
