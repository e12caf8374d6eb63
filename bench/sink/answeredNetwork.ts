import * as behaviours from "../../devnet/actors/behaviours.ts";
import { type Devnet, type DevnetOptions, startDevnet } from "../../devnet/index.ts";
import { testNode } from "../../devnet/network.ts";
import { openSqliteJournal } from "../../src/journal/sqliteJournal.ts";
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
const atOnce = 250;

/** A real node on which so many tasks are answered; nothing is mined any more unless somebody asks for it. */
export async function openAnsweredNetwork(count: number, options: DevnetOptions = {}): Promise<AnsweredNetwork> {
  const devnet = await startDevnet({ ...options, anvilArgs: ["--gas-limit", "1000000000"] });
  try {
    const source = await devnet.client.publishSource();
    const config = '{"function_name":"analyze_sentiment","data":{"text":"great"}}';
    const provider = devnet.createProvider(behaviours.honest());
    await provider.enrol(source);
    const answered: Answered[] = [];
    while (answered.length < count) {
      const some = Array.from({ length: Math.min(atOnce, count - answered.length) });
      const order = { source, config, lifetime: 80_000, payment: 2n * price };
      const tasks = await Promise.all(some.map(() => devnet.client.publishTask(order)));
      await Promise.all(tasks.map((task) => provider.attempt(task, price)));
      const data = '{"label":"positive","confidence":0.9}';
      const submitted = await Promise.all(tasks.map((task) => provider.submit(task, data, price)));
      answered.push(...submitted.map(({ response }, at) => ({ task: tasks[at] as TaskAddress, response, data })));
    }
    await testNode(devnet.network, "evm_setAutomine", [false]);
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

/** Writes a journal in which a policy has approved every response, and nothing is signed. */
export async function writeIntents(
  path: string,
  { devnet, source, provider, answered }: Pick<AnsweredNetwork, "devnet" | "source" | "provider" | "answered">,
): Promise<void> {
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
    await journal.decide([decision], Date.now());
  }
  await journal.close();
}
