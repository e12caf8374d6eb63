import { read, readOne } from "../chain/contractReads.ts";
import { terminalAbi } from "../protocol/abi.ts";
import { checksummed } from "../protocol/brand.ts";
import { calls } from "./calls.ts";
import type { ClientContext } from "./context.ts";
import { InputError } from "./errors.ts";
import { latest } from "./identify.ts";
import { readAddress } from "./inputs.ts";
import { signerOf } from "./signerOf.ts";
import type { MinedTransaction, WriteOptions } from "./types.ts";

/**
 * Lets an agent publish and confirm for the signer's account.
 *
 * @throws InputError `ADDRESS_INVALID`, also for the signer itself, or `NOT_ALLOWED` where the client acts `onBehalfOf` another
 *   account; before any gas is spent. RefusedError `SUPERSEDED` if a `revokeAgent` that was called later is signed, and this one is
 *   not, or would have to be signed anew.
 * @example await client.setAgent("0x…"); // the key that the daemon runs on
 */
export const setAgent = (
  context: ClientContext,
  agent: string,
  options: WriteOptions = {},
): Promise<MinedTransaction> => change(context, agent, true, options);

/**
 * Takes an agent's authority away.
 *
 * @throws as `setAgent`, the other way round.
 * @example await client.revokeAgent("0x…");
 */
export const revokeAgent = (
  context: ClientContext,
  agent: string,
  options: WriteOptions = {},
): Promise<MinedTransaction> => change(context, agent, false, options);

/**
 * Whether an agent may act for a client.
 * @throws InputError `ADDRESS_INVALID`.
 */
export async function isAgent({ rpc, contracts }: ClientContext, client: string, agent: string): Promise<boolean> {
  const args = [readAddress("the client", client), readAddress("the agent", agent)];
  return (await readOne(rpc, read<boolean>(terminalAbi, contracts.terminal, "getIsAgentOf", args, latest))) ?? false;
}

async function change(context: ClientContext, address: string, value: boolean, options: WriteOptions) {
  const signer = signerOf(context, options);
  const agent = readAddress("the agent", address);
  if (agent.toLowerCase() === signer.address) {
    throw new InputError(`${agent} is the signer itself, which needs no agent to act for it`, {
      code: "ADDRESS_INVALID",
      remedy: "give the address of another key",
    });
  }
  const { onBehalfOf } = context;
  if (onBehalfOf !== undefined && onBehalfOf.toLowerCase() !== signer.address) {
    const problem = `the agents of ${onBehalfOf} are its own to set, and ${checksummed(signer.address)} is not its key`;
    throw new InputError(problem, {
      code: "NOT_ALLOWED",
      remedy: "give its own key as `signer`; those of the signer are set by a client without `onBehalfOf`",
    });
  }
  const call = calls.setAgent(context.contracts, agent, value);
  const what = value ? `the authorisation of the agent ${agent}` : `the revocation of the agent ${agent}`;
  const check = async () => undefined;
  const lane = context.laneOf(signer);
  return lane.mine({ what, ...call, check, turn: lane.turn(`agent ${agent}`) }, options);
}
