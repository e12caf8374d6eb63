import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { createPublicClient, encodeFunctionData, type Hex, http as httpTransport } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { controllerAbi } from "../../src/protocol/abi.ts";
import type { ResponseAddress } from "../../src/protocol/brand.ts";
import { deploymentOn } from "../../src/protocol/chains.ts";
import { answer, childArgs, untilGo } from "../harness/child.ts";

/**
 * The shape of the network's own client: for each confirmation the nonce, the fees and the gas, then send, then wait for the
 * receipt, then the next.
 */
type Args = {
  readonly http: string;
  readonly chainId: number;
  readonly privateKey: Hex;
  readonly file: string;
  readonly warmUp: number;
};
const [{ http, chainId, privateKey, file, warmUp }] = childArgs<[Args]>();
const responses = JSON.parse(readFileSync(file, "utf8")) as ResponseAddress[];
const account = privateKeyToAccount(privateKey);
const client = createPublicClient({ transport: httpTransport(http) });
const controller = deploymentOn(chainId)?.controller as Hex;
for (const [index, response] of responses.entries()) {
  const data = encodeFunctionData({ abi: controllerAbi, functionName: "confirmResponse", args: [response] });
  const nonce = await client.getTransactionCount({ address: account.address, blockTag: "pending" });
  const gasPrice = await client.getGasPrice();
  const gas = await client.estimateGas({ account: account.address, to: controller, data });
  const signed = await account.signTransaction({ chainId, to: controller, data, nonce, gas, gasPrice, type: "legacy" });
  const hash = await client.sendRawTransaction({ serializedTransaction: signed });
  // It polls ten times a second, as the library under it does by default.
  while ((await client.getTransactionReceipt({ hash }).catch(() => undefined)) === undefined) await sleep(100);
  if (index + 1 !== warmUp) continue;
  const go = untilGo();
  answer("warm");
  await go;
}
answer("mined");
