import { SourceStatus } from "../protocol/statuses.ts";
import { calls } from "./calls.ts";
import type { ClientContext } from "./context.ts";
import { RefusedError } from "./errors.ts";
import { readAddress } from "./inputs.ts";
import { readSource, requireActsFor } from "./reads.ts";
import { signerOf } from "./signerOf.ts";
import type { MinedTransaction, WriteOptions } from "./types.ts";

/**
 * Closes a source: no further task can be published on it.
 *
 * @throws InputError if the address is no source of this network; RefusedError `NOT_ALLOWED` if it is somebody else's,
 *   `SOURCE_INACTIVE` if it is closed already. All before any gas is spent.
 * @example await client.inactivateSource(source);
 */
export async function inactivateSource(
  context: ClientContext,
  address: string,
  options: WriteOptions = {},
): Promise<MinedTransaction> {
  const signer = signerOf(context, options);
  const source = readAddress("the source", address);
  const check = async (rpc = context.rpc) => {
    const from = { ...context, rpc };
    const { client, status } = await readSource(from, source);
    await requireActsFor(from, signer.address, client, `the source ${source}`);
    if (status === SourceStatus.ACTIVE) return;
    throw new RefusedError(`the source ${source} is inactive already`, {
      code: "SOURCE_INACTIVE",
      remedy: "nothing is left to do",
    });
  };
  const call = calls.inactivateSource(context.contracts, source);
  const what = `the inactivation of the source ${source}`;
  return context.laneOf(signer).mine({ what, ...call, check, key: `inactivate ${source}` }, options);
}
