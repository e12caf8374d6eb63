import { encodeFunctionData, type Hex } from "viem";
import { callsFrom } from "../../src/chain/callsFrom.ts";
import { readsOf } from "../../src/chain/confirmPreviews.ts";
import { tryOf } from "../../src/chain/previewsAtOnce.ts";
import { readGas, targetOf } from "../../src/chain/readTogether.ts";
import { controllerAbi } from "../../src/protocol/abi.ts";
import { type AccountAddress, toAddress } from "../../src/protocol/brand.ts";
import type { Answered, AnsweredNetwork } from "./answeredNetwork.ts";

/** A batch: what is asked before it is signed, and what sends it. */
export type Prepared = { readonly read: string; readonly send: string };

/** Confirmations that the sink reads, signs, keeps and sends together. */
export const together = 100;
/** Gas units of a confirmation: enough. */
const gas = 400_000n;
const gwei = 10n ** 9n;

/** Confirmations of all that is answered, in the nonces that come next. */
export async function preSign({ devnet, answered }: AnsweredNetwork): Promise<readonly Hex[]> {
  const { accounts, publicClient, deployment, chainId } = devnet;
  const first = await publicClient.getTransactionCount({ address: accounts.agent.address });
  return Promise.all(
    answered.map(({ response }, index) =>
      accounts.agent.signTransaction({
        chainId,
        to: deployment.controller,
        data: encodeFunctionData({ abi: controllerAbi, functionName: "confirmResponse", args: [response] }),
        nonce: first + index,
        gas,
        maxFeePerGas: 100n * gwei,
        maxPriorityFeePerGas: gwei,
      }),
    ),
  );
}

/** What is asked and sent of each hundred. */
export function prepareBatches({ devnet, answered }: AnsweredNetwork, signed: readonly Hex[]): readonly Prepared[] {
  const from = toAddress<AccountAddress>(devnet.accounts.agent.address);
  const latest = "latest" as Hex;
  const { controller } = devnet.deployment;
  const read = (some: readonly Answered[], id: number): string => {
    const views = some.flatMap(({ task, response }) => readsOf({ task, response }, latest));
    const reads = views.map(({ call }) => ({ ...targetOf(call), gas: readGas }));
    const tries = some.map(({ response }) => tryOf(controller, { response, gas }));
    return JSON.stringify({ jsonrpc: "2.0", id, ...callsFrom(from, [...reads, ...tries], latest) });
  };
  const send = (some: readonly Hex[], id: number): string =>
    JSON.stringify(
      some.map((raw, index) => ({
        jsonrpc: "2.0",
        // The first one is the batch's.
        id: index === 0 ? id : 1_000_000 + index,
        method: "eth_sendRawTransaction",
        params: [raw],
      })),
    );
  return Array.from({ length: answered.length / together }, (_, index) => {
    const part = [index * together, (index + 1) * together] as const;
    return { read: read(answered.slice(...part), 2 * index), send: send(signed.slice(...part), 2 * index + 1) };
  });
}
