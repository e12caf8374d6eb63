import { ConfigError } from "../errors.ts";
import { type AccountAddress, type Hex, type Wei, wei } from "../protocol/brand.ts";
import type { Deployment } from "../protocol/chains.ts";
import { type HttpRpc, resultOf } from "./jsonRpc.ts";
import type { WireBlock } from "./wire.ts";

/** What an endpoint turned out to be. */
export type Probe = {
  readonly chainId: number;
  readonly clientVersion: string;
  readonly head: bigint;
  readonly eip1559: boolean;
};

/**
 * Asks an endpoint who it is, before anything else happens.
 *
 * @throws ConfigError `CHAIN_ID_MISMATCH` if it serves another chain, `CONTRACTS_MISSING` if Nexus is not on it;
 *   RetryableError if it does not answer.
 */
export async function probe(rpc: HttpRpc, expected: { chainId: number; deployment: Deployment }): Promise<Probe> {
  const [id, version, block, code] = await rpc.batch([
    { method: "eth_chainId", params: [] },
    { method: "web3_clientVersion", params: [] },
    { method: "eth_getBlockByNumber", params: ["latest", false] },
    { method: "eth_getCode", params: [expected.deployment.nexus, "latest"] },
  ]);
  const chainId = Number(resultOf(id) as Hex);
  if (chainId !== expected.chainId) {
    throw new ConfigError(`the endpoint ${rpc.name} serves chain ${chainId}, not chain ${expected.chainId}`, {
      code: "CHAIN_ID_MISMATCH",
      remedy: "set rpc.http to an endpoint of the configured network, or choose the network with --network",
    });
  }
  if (resultOf(code) === "0x") {
    throw new ConfigError(`there is no Nexus contract at ${expected.deployment.nexus} on chain ${chainId}`, {
      code: "CONTRACTS_MISSING",
      remedy: "check that rpc.http leads to the OpenGPU network, or to a devnet that is ready",
    });
  }
  const head = resultOf(block) as WireBlock;
  return {
    chainId,
    clientVersion: version && "result" in version ? String(version.result).slice(0, 100) : "unknown",
    head: BigInt(head.number),
    eip1559: head.baseFeePerGas !== undefined,
  };
}

/** What an account can pay for gas. */
export const balanceOf = async (rpc: HttpRpc, account: AccountAddress): Promise<Wei> =>
  wei(BigInt(await rpc.call<Hex>("eth_getBalance", account, "latest")));
