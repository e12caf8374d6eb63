import type { Chain } from "viem";
import { defineChain } from "viem/chains/utils";
import type { Hex } from "./brand.ts";

/** The four contracts of a deployment that the daemon talks to. */
export type Deployment = {
  readonly nexus: Hex;
  readonly controller: Hex;
  readonly terminal: Hex;
  readonly vault: Hex;
};

const nativeCurrency = { name: "OGPU", symbol: "OGPU", decimals: 18 } as const;

export const mainnet: Chain = defineChain({
  id: 1071,
  name: "OpenGPU",
  nativeCurrency,
  rpcUrls: { default: { http: ["https://mainnet-rpc.ogpuscan.io"] } },
  blockExplorers: { default: { name: "OGPUScan", url: "https://ogpuscan.io" } },
});

export const testnet: Chain = defineChain({
  id: 200820172034,
  name: "OpenGPU Testnet",
  nativeCurrency,
  rpcUrls: { default: { http: ["https://testnetrpc.ogpuscan.io"] } },
  testnet: true,
});

const deployments: ReadonlyMap<number, Deployment> = new Map([
  [
    mainnet.id,
    {
      nexus: "0x2b0cC6058313801D5feb184a539e3a0C5A87a6a1",
      controller: "0x8661F4B9c30e07A04d795A192478dfD905625a1D",
      terminal: "0xaEBC7b712D38Fc4d841f0732c21B8774339869D3",
      vault: "0xa5c582254AA313528898311362bc698b041580cC",
    },
  ],
  [
    testnet.id,
    {
      nexus: "0xF87bb2f3edB991a998992f14d35fE142e6Bb50b1",
      controller: "0x9fb6022074Fd7Bdb429de0776eb693cA0CB55E09",
      terminal: "0x1ea332Fc14a5AFD3AF3852B45C263Ab5b1Dd6f52",
      vault: "0x15905a2FbD3EF5d3532b931b5656BB9EB493Bb15",
    },
  ],
]);

export const chains: readonly Chain[] = [mainnet, testnet];

/** The network's contracts on a chain, or `undefined` where it has none. */
export const deploymentOn = (chainId: number): Deployment | undefined => deployments.get(chainId);
