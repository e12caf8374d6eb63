import { testNode } from "../../devnet/network.ts";
import type { Hash } from "../../src/protocol/brand.ts";
import type { Prng } from "../sim/prng.ts";
import { agentPool } from "./agentPool.ts";
import type { Stage } from "./stage.ts";

export const faultNames = [
  "base fee × 20",
  "one transaction dropped",
  "mempool dropped",
  "reorg of confirmations",
  "foreign transaction",
  "nonce stolen",
] as const;
export type FaultName = (typeof faultNames)[number];

export type FaultDeps = {
  readonly stage: Stage;
  readonly prng: Prng;
  /** Makes the base fee twenty times as high for so many blocks. */
  readonly raiseBaseFee: (blocks: number) => void;
  /** Hashes of what somebody else sent with the daemon's key. */
  readonly foreign: Set<Hash>;
};

/** Strikes between two blocks, if it can now. */
type Fault = {
  /** It needs the pool, or the newest blocks, to hold nothing but the daemon's. */
  readonly alone: boolean;
  readonly strike: (deps: FaultDeps) => Promise<boolean>;
};

/** Less than the daemon takes for final. */
export const deepestReorg = 4;

export const faults: Readonly<Record<FaultName, Fault>> = {
  "base fee × 20": {
    alone: false,
    // What waits was priced for cheap blocks: it has to be replaced.
    strike: async ({ stage: { devnet }, raiseBaseFee }) => {
      if ((await agentPool(devnet)).length === 0) return false;
      raiseBaseFee(30);
      return true;
    },
  },

  "one transaction dropped": {
    alone: false,
    strike: async ({ stage: { devnet }, prng }) => {
      const waiting = await agentPool(devnet);
      if (waiting.length === 0) return false;
      const dropped = await testNode(devnet.network, "anvil_dropTransaction", [prng.pick(waiting).hash]);
      return dropped !== null;
    },
  },

  "mempool dropped": {
    alone: true,
    strike: async ({ stage: { devnet } }) => {
      if ((await agentPool(devnet)).length === 0) return false;
      await testNode(devnet.network, "anvil_dropAllTransactions");
      return true;
    },
  },

  "reorg of confirmations": {
    alone: true,
    strike: async ({ stage: { devnet }, prng }) => {
      const { publicClient, network, accounts } = devnet;
      const head = await publicClient.getBlockNumber();
      const depths: number[] = [];
      let confirmations = 0;
      for (let depth = 1; depth <= deepestReorg; depth++) {
        const blockNumber = head - BigInt(depth - 1);
        const { transactions } = await publicClient.getBlock({ blockNumber, includeTransactions: true });
        if (transactions.some(({ from }) => from.toLowerCase() !== accounts.agent.address.toLowerCase())) break;
        confirmations += transactions.filter(({ input }) => input !== "0x").length;
        if (confirmations > 0) depths.push(depth);
      }
      if (depths.length === 0) return false;
      await testNode(network, "anvil_reorg", [prng.pick(depths), []]);
      return true;
    },
  },

  "foreign transaction": {
    alone: false,
    strike: async (deps) => {
      const { publicClient, accounts } = deps.stage.devnet;
      const nonce = await publicClient.getTransactionCount({ address: accounts.agent.address, blockTag: "pending" });
      return sendAsStranger(deps, { nonce, maxFeePerGas: 100n * 10n ** 9n, maxPriorityFeePerGas: 10n ** 9n });
    },
  },

  "nonce stolen": {
    alone: false,
    strike: async (deps) => {
      const waiting = await agentPool(deps.stage.devnet);
      const taken = waiting.filter(({ hash }) => !deps.foreign.has(hash));
      if (taken.length === 0) return false;
      const { nonce, maxFeePerGas, maxPriorityFeePerGas } = deps.prng.pick(taken);
      return sendAsStranger(deps, {
        nonce,
        maxFeePerGas: maxFeePerGas * 3n,
        maxPriorityFeePerGas: maxPriorityFeePerGas * 3n,
      });
    },
  },
};

type Offer = {
  readonly nonce: number;
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
};

/** Somebody else who holds the daemon's key moves nothing to nobody. `false`: the daemon was quicker. */
async function sendAsStranger({ stage: { devnet }, foreign }: FaultDeps, offer: Offer): Promise<boolean> {
  const { accounts, chainId, publicClient } = devnet;
  const raw = await accounts.agent.signTransaction({
    ...offer,
    chainId,
    to: accounts.stranger.address,
    gas: 21_000n,
    type: "eip1559",
  });
  try {
    foreign.add((await publicClient.sendRawTransaction({ serializedTransaction: raw })) as Hash);
    return true;
  } catch {
    return false;
  }
}
