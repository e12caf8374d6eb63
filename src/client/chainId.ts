import { ConfigError } from "../errors.ts";
import { type Deployment, deploymentOn, mainnet, testnet } from "../protocol/chains.ts";

/** The network's chains by name. */
export const ChainId = { OGPU_MAINNET: mainnet.id, OGPU_TESTNET: testnet.id } as const;

/** The network's contracts by the names that its own tools give them. */
export type ContractName = "NEXUS" | "CONTROLLER" | "TERMINAL" | "VAULT";

/** The ids of the chains that the network has contracts on. */
export const supportedChains = (): readonly number[] => Object.values(ChainId);

/**
 * Where one of the network's contracts is on a chain.
 * @throws ConfigError `CHAIN_UNKNOWN` if the network has none there.
 * @example contractAddress(ChainId.OGPU_MAINNET, "NEXUS") // "0x2b0cC6058313801D5feb184a539e3a0C5A87a6a1"
 */
export function contractAddress(chainId: number, name: ContractName): `0x${string}` {
  return requireContracts(chainId)[name.toLowerCase() as keyof Deployment];
}

/** The network's contracts on a chain. @throws ConfigError `CHAIN_UNKNOWN` if it has none there. */
export function requireContracts(chainId: number): Deployment {
  const deployment = deploymentOn(chainId);
  if (deployment) return deployment;
  throw new ConfigError(`the OpenGPU network has no contracts on chain ${chainId}`, {
    code: "CHAIN_UNKNOWN",
    remedy: `give one of ${supportedChains().join(", ")}, or the addresses of your own: { id, contracts }`,
  });
}
