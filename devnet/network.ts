import { type Chain, createPublicClient, defineChain, type Hex, http, type PublicClient } from "viem";
import { chains, type Deployment, mainnet } from "../src/protocol/chains.ts";

/** Where the actors act: a node, the chain it speaks for, and the contracts on it. */
export type Network = {
  readonly rpc: { readonly http: string; readonly ws: string };
  readonly chain: Chain;
  readonly deployment: Deployment;
  /** Reads; its polling is quick, as the node is local. */
  readonly publicClient: PublicClient;
};

/** @param rpc the node's URLs; @param chainId known ids keep the network's name. */
export function openNetwork(rpc: Network["rpc"], chainId: number, deployment: Deployment): Network {
  const known = chains.find(({ id }) => id === chainId) ?? mainnet;
  const chain = defineChain({ ...known, id: chainId, rpcUrls: { default: { http: [rpc.http] } } });
  const publicClient = createPublicClient({ chain, transport: http(rpc.http), pollingInterval: 25, cacheTime: 0 });
  return { rpc, chain, deployment, publicClient };
}

/** Calls a method that only a test node has, such as `evm_mine`. */
export async function testNode(
  network: Pick<Network, "publicClient">,
  method: string,
  params: readonly unknown[] = [],
) {
  const request = network.publicClient.request as (call: { method: string; params: unknown }) => Promise<unknown>;
  return request({ method, params });
}

/** @param amount wei. */
export const setBalance = (network: Network, address: Hex, amount: bigint) =>
  testNode(network, "anvil_setBalance", [address, `0x${amount.toString(16)}`]);
