import { type Address, type Hex, type LocalAccount, parseGwei } from "viem";
import type { Network } from "../../devnet/network.ts";

export type RawCall = { readonly to: Address; readonly data: Hex };

/** Signs an account's calls with the nonces that come next: nothing is read or estimated while they are sent. */
export async function signInAdvance(
  { publicClient, chain }: Network,
  account: LocalAccount,
  calls: readonly RawCall[],
): Promise<readonly Hex[]> {
  const first = await publicClient.getTransactionCount({ address: account.address });
  return Promise.all(
    calls.map(({ to, data }, index) =>
      account.signTransaction({
        ...{ chainId: chain.id, type: "eip1559", to, data, nonce: first + index, gas: 3_000_000n },
        ...{ maxFeePerGas: parseGwei("200"), maxPriorityFeePerGas: parseGwei("1") },
      }),
    ),
  );
}

/** Sends signed transactions in one request, and does not wait for them. @throws Error where the node takes one not. */
export async function sendAtOnce({ rpc }: Network, raw: readonly Hex[]): Promise<void> {
  const calls = raw.map((each, id) => ({ jsonrpc: "2.0", id, method: "eth_sendRawTransaction", params: [each] }));
  const response = await fetch(rpc.http, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(calls),
  });
  const answers = (await response.json()) as readonly { readonly error?: { readonly message: string } }[];
  const refused = answers.find(({ error }) => error);
  if (refused) throw new Error(refused.error?.message);
}
