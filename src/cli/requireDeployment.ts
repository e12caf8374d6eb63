import { ConfigError } from "../errors.ts";
import { chains, type Deployment, deploymentOn } from "../protocol/chains.ts";

/** The network's contracts on a chain. @throws ConfigError `CHAIN_UNKNOWN` where it has none. */
export function requireDeployment(chainId: number): Deployment {
  const deployment = deploymentOn(chainId);
  if (deployment) return deployment;
  throw new ConfigError(`the OpenGPU network has no contracts on chain ${chainId}`, {
    code: "CHAIN_UNKNOWN",
    remedy: `set chain.id to one of ${chains.map(({ id, name }) => `${id} (${name})`).join(", ")}`,
  });
}
