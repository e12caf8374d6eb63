import type { Devnet } from "../../devnet/index.ts";
import { testNode } from "../../devnet/network.ts";
import type { Hash } from "../../src/protocol/brand.ts";

/** A transaction of the daemon's key that waits in the node. */
export type Waiting = {
  readonly hash: Hash;
  readonly nonce: number;
  /** Wei per gas. */
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
};

type WireTransaction = {
  readonly hash: Hash;
  readonly nonce: string;
  readonly gasPrice?: string;
  readonly maxFeePerGas?: string;
  readonly maxPriorityFeePerGas?: string;
};
type WireAccounts = Readonly<Record<string, Readonly<Record<string, WireTransaction>>>>;

/** What of the daemon's key waits in the node, mineable or behind a gap; in nonce order. */
export async function agentPool(devnet: Devnet): Promise<readonly Waiting[]> {
  return (await wholePool(devnet))
    .filter(({ isAgent }) => isAgent)
    .map(({ hash, nonce, gasPrice = "0x0", maxFeePerGas = gasPrice, maxPriorityFeePerGas = gasPrice }) => ({
      hash,
      nonce: Number(nonce),
      maxFeePerGas: BigInt(maxFeePerGas),
      maxPriorityFeePerGas: BigInt(maxPriorityFeePerGas),
    }))
    .sort((a, b) => a.nonce - b.nonce);
}

/** Whether something of anybody else waits in the node. */
export const othersWait = async (devnet: Devnet): Promise<boolean> =>
  (await wholePool(devnet)).some(({ isAgent }) => !isAgent);

async function wholePool({ network, accounts }: Devnet) {
  const content = (await testNode(network, "txpool_content")) as Readonly<Record<"pending" | "queued", WireAccounts>>;
  const ours = accounts.agent.address.toLowerCase();
  return [content.pending, content.queued]
    .flatMap((part) => Object.entries(part))
    .flatMap(([account, transactions]) =>
      Object.values(transactions).map((each) => ({ ...each, isAgent: account.toLowerCase() === ours })),
    );
}
