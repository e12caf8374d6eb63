import { type Address, type Hex, type LocalAccount, parseGwei, type TransactionReceipt, toHex } from "viem";
import type { Network } from "../network.ts";
import { awaitReceipt } from "../receipt.ts";
import { RevertError, toRevertError } from "./revertError.ts";

export type Call = {
  readonly to: Address;
  readonly data: Hex;
  /** Wei. */
  readonly value?: bigint;
};

/** The transactions of one account, in order. */
export type Lane = {
  readonly address: Address;
  /**
   * Sends one transaction and waits until it is mined. Calls may overlap: each takes the next nonce once the node has
   * accepted the one before, and waits for its own receipt.
   *
   * @throws RevertError if the contract refuses the call, before or after it is sent.
   */
  send(call: Call): Promise<TransactionReceipt>;
};

/** Keeps one account's nonces in order; the node's pending count is the truth, so a reverted snapshot does no harm. */
export function createLane(network: Network, account: LocalAccount): Lane {
  let tail: Promise<unknown> = Promise.resolve();
  return {
    address: account.address,
    async send(call) {
      const sent = tail.then(() => submit(network, account, call));
      tail = sent.catch(() => undefined);
      const receipt = await awaitReceipt(network, await sent);
      if (receipt.status === "success") return receipt;
      throw await whyReverted(network, account.address, call, receipt);
    },
  };
}

async function submit(network: Network, account: LocalAccount, call: Call): Promise<Hex> {
  const { publicClient, chain } = network;
  const { to, data, value = 0n } = call;
  const [estimate, nonce] = await Promise.all([
    estimateGas(network, account.address, call),
    publicClient.getTransactionCount({ address: account.address, blockTag: "pending" }),
  ]);
  const serializedTransaction = await account.signTransaction({
    chainId: chain.id,
    type: "eip1559",
    to,
    data,
    value,
    nonce,
    // Others write between the estimate and the block: arrays grow, a first answer is no longer the first.
    gas: (estimate * 3n) / 2n + 50_000n,
    maxFeePerGas: parseGwei("200"),
    maxPriorityFeePerGas: parseGwei("1"),
  });
  return publicClient.sendRawTransaction({ serializedTransaction });
}

async function estimateGas(network: Network, from: Address, { to, data, value = 0n }: Call): Promise<bigint> {
  try {
    const params = [{ from, to, data, value: toHex(value) }, "pending"] as const;
    return BigInt(await network.publicClient.request({ method: "eth_estimateGas", params: [...params] }));
  } catch (error) {
    throw toRevertError(error);
  }
}

async function whyReverted(network: Network, account: Address, call: Call, receipt: TransactionReceipt) {
  const blockNumber = receipt.blockNumber;
  const failure = await network.publicClient.call({ account, ...call, blockNumber }).catch(toRevertError);
  return failure instanceof RevertError ? failure : new RevertError("no reason given");
}
