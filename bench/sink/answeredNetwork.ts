import { encodeFunctionData, type LocalAccount, parseGwei, type TransactionReceipt } from "viem";
import * as behaviours from "../../devnet/actors/behaviours.ts";
import type { Call } from "../../devnet/actors/lane.ts";
import { publishedTask, submittedResponse } from "../../devnet/actors/published.ts";
import { type Devnet, type DevnetOptions, startDevnet } from "../../devnet/index.ts";
import { testNode } from "../../devnet/network.ts";
import { calls } from "../../src/client/calls.ts";
import type { BlockRef, Confirmation, Journal } from "../../src/journal/journal.ts";
import { openSqliteJournal } from "../../src/journal/sqliteJournal.ts";
import { nexusAbi } from "../../src/protocol/abi.ts";
import {
  type AccountAddress,
  type Hash,
  type ResponseAddress,
  type SourceAddress,
  type TaskAddress,
  toAddress,
  wei,
} from "../../src/protocol/brand.ts";
import { responseDigest } from "../../src/protocol/responseDigest.ts";

/** A task with a response that waits to be confirmed. */
export type Answered = { readonly task: TaskAddress; readonly response: ResponseAddress; readonly data: string };

export type AnsweredNetwork = {
  readonly devnet: Devnet;
  readonly source: SourceAddress;
  readonly provider: AccountAddress;
  readonly answered: readonly Answered[];
  /** Takes back whatever was done since the tasks were answered. */
  readonly undo: () => Promise<void>;
};

const price = 10n ** 17n;
/** Transactions in a block. */
const atOnce = 250;

/** A real node on which so many tasks are answered; nothing is mined any more unless somebody asks for it. */
export async function openAnsweredNetwork(count: number, options: DevnetOptions = {}): Promise<AnsweredNetwork> {
  const { anvilArgs = [] } = options;
  const devnet = await startDevnet({ ...options, anvilArgs: [...anvilArgs, "--gas-limit", "1000000000"] });
  try {
    const source = await devnet.client.publishSource();
    const config = '{"function_name":"analyze_sentiment","data":{"text":"great"}}';
    const provider = devnet.createProvider(behaviours.honest());
    await provider.enrol(source);
    await testNode(devnet.network, "evm_setAutomine", [false]);
    const { timestamp } = await devnet.publicClient.getBlock();
    const order = { source, config, expiryTime: timestamp + 80_000n, payment: 2n * price };
    const published = await sendAll(
      devnet,
      devnet.accounts.client,
      Array.from({ length: count }, () => calls.publishTask(devnet.deployment, order)),
    );
    const tasks = published.map(publishedTask);
    const { nexus } = devnet.deployment;
    const account = devnet.accounts.providers[0] as LocalAccount;
    const data = '{"label":"positive","confidence":0.9}';
    const attempt = (task: TaskAddress) =>
      encodeFunctionData({ abi: nexusAbi, functionName: "attempt", args: [task, account.address, price] });
    const submit = (task: TaskAddress) => {
      const args = [{ task, provider: account.address, data, payment: price }] as const;
      return encodeFunctionData({ abi: nexusAbi, functionName: "submitResponse", args });
    };
    await sendAll(
      devnet,
      account,
      tasks.map((task) => ({ to: nexus, data: attempt(task) })),
    );
    const submitted = await sendAll(
      devnet,
      account,
      tasks.map((task) => ({ to: nexus, data: submit(task) })),
    );
    const answered = submitted.map((receipt, at) => ({
      task: tasks[at] as TaskAddress,
      response: submittedResponse(receipt),
      data,
    }));
    let snapshot = await testNode(devnet.network, "evm_snapshot");
    return {
      devnet,
      source,
      provider: toAddress<AccountAddress>(provider.address),
      answered,
      undo: async () => {
        await testNode(devnet.network, "anvil_dropAllTransactions");
        await testNode(devnet.network, "evm_revert", [snapshot]);
        snapshot = await testNode(devnet.network, "evm_snapshot");
      },
    };
  } catch (error) {
    await devnet.stop();
    throw error;
  }
}

/** Sends transactions of one account, a block for so many; answers their receipts. They are not estimated: it takes long. */
async function sendAll({ publicClient, chainId, network }: Devnet, account: LocalAccount, all: readonly Call[]) {
  const receipts: TransactionReceipt[] = [];
  let nonce = await publicClient.getTransactionCount({ address: account.address });
  while (receipts.length < all.length) {
    const some = all.slice(receipts.length, receipts.length + atOnce);
    const first = nonce;
    const raws = await Promise.all(
      some.map(({ to, data, value = 0n }, index) =>
        account.signTransaction({
          chainId,
          to,
          data,
          value,
          nonce: first + index,
          gas: 3_000_000n,
          maxFeePerGas: parseGwei("200"),
          maxPriorityFeePerGas: parseGwei("1"),
        }),
      ),
    );
    const hashes = await Promise.all(
      raws.map((serializedTransaction) => publicClient.sendRawTransaction({ serializedTransaction })),
    );
    await testNode(network, "evm_mine");
    receipts.push(...(await Promise.all(hashes.map((hash) => publicClient.getTransactionReceipt({ hash })))));
    nonce += some.length;
  }
  const failed = receipts.find(({ status }) => status !== "success");
  if (failed) throw new Error(`the transaction ${failed.transactionHash} reverted`);
  return receipts;
}

/** Writes a journal that knows of all tasks and responses; a policy has approved those of `intents`, and nothing is signed. */
export async function writeJournal(
  path: string,
  { devnet, source, provider, answered }: AnsweredNetwork,
  intents: readonly Answered[],
): Promise<BlockRef> {
  const journal = openSqliteJournal({ path, chainId: devnet.chainId });
  const { number, hash } = await devnet.publicClient.getBlock();
  const block = { number, hash: hash as Hash };
  await journal.intake({
    tasks: answered.map(({ task }) => ({ task, source })),
    responses: answered,
    touched: [],
    cursor: block,
    audited: block,
  });
  await approve(journal, intents, { provider, block });
  await journal.close();
  return block;
}

/** Has a policy approve these responses. */
export async function approve(
  journal: Journal,
  answered: readonly Answered[],
  { provider, block }: { readonly provider: AccountAddress; readonly block: BlockRef },
): Promise<readonly Confirmation[]> {
  const intents: Confirmation[] = [];
  for (const { task, response, data } of answered) {
    const standing = { task, provider, data, payment: wei(price) };
    const decision = {
      kind: "confirm",
      reason: "eligible, and the first",
      until: undefined,
      policy: "first-valid",
      policyDigest: "0".repeat(64),
      mode: "enforce",
      task,
      response,
      block,
      payloadDigest: "",
      payment: wei(price),
      responseDigest: responseDigest(standing),
      provider,
    } as const;
    const intent = await journal.decide([decision], Date.now());
    if (intent) intents.push(intent);
  }
  return intents;
}
