import { type Read, read, readAll } from "../chain/contractReads.ts";
import { resultOf } from "../chain/jsonRpc.ts";
import { nexusAbi, responseAbi, taskAbi } from "../protocol/abi.ts";
import type { Hex } from "../protocol/brand.ts";
import type { Deployment } from "../protocol/chains.ts";
import type { ClientContext } from "./context.ts";
import { InputError } from "./errors.ts";
import type { Address } from "./types.ts";

export const latest = "latest" as Hex;

/** What the code at an address is for. */
export type Kind = "nothing" | "source" | "task" | "response" | keyof Deployment | "another contract";

const codeRead = (address: Address): Read<boolean> => ({
  call: { method: "eth_getCode", params: [address, "latest"] },
  decode: (answer) => resultOf(answer) !== "0x",
});

/** Asks an address what it is, in one request. */
export async function identify({ rpc, contracts }: ClientContext, address: Address): Promise<Kind> {
  const names = Object.keys(contracts) as (keyof Deployment)[];
  const own = names.find((name) => contracts[name].toLowerCase() === address.toLowerCase());
  if (own) return own;
  const [hasCode, sourceId, taskSource, params] = await readAll(rpc, [
    codeRead(address),
    read<bigint>(nexusAbi, contracts.nexus, "getSourceId", [address], latest),
    read<string>(taskAbi, address, "getSource", [], latest),
    read<unknown>(responseAbi, address, "getResponseParams", [], latest),
  ] as const);
  if (!hasCode) return "nothing";
  if (sourceId !== undefined && sourceId > 0n) return "source";
  if (taskSource !== undefined) return "task";
  return params === undefined ? "another contract" : "response";
}

/** Says what an address is instead of what it should be. */
export async function wrongContract(
  context: ClientContext,
  wanted: "source" | "task" | "response",
  address: Address,
): Promise<InputError> {
  const kind = await identify(context, address);
  if (kind === "nothing") {
    return new InputError(`there is no contract at ${address} on chain ${context.chainId}, so it is no ${wanted}`, {
      code: "NO_CONTRACT",
      remedy: "check the address and the network; one that was just published may not be mined yet",
    });
  }
  return new InputError(`${address} is no ${wanted} of this network: it is ${nameOf(kind)}`, {
    code: "WRONG_CONTRACT",
    remedy: `give the address of the ${wanted}`,
  });
}

const nameOf = (kind: Kind): string => {
  if (kind === "source" || kind === "task" || kind === "response") return `a ${kind}`;
  return kind === "another contract" ? kind : `the network's ${kind[0]?.toUpperCase()}${kind.slice(1)}`;
};
