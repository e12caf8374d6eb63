import { encodeFunctionData, type Hex } from "viem";
import * as behaviours from "../../devnet/actors/behaviours.ts";
import type { Provider } from "../../devnet/actors/provider.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { createJsonRpc } from "../../src/chain/createJsonRpc.ts";
import { resultOf } from "../../src/chain/jsonRpc.ts";
import { openSqliteJournal } from "../../src/journal/sqliteJournal.ts";
import { taskAbi } from "../../src/protocol/abi.ts";
import type { Hash, SourceAddress, TaskAddress } from "../../src/protocol/brand.ts";

export type TrackedNetwork = {
  readonly devnet: Devnet;
  readonly source: SourceAddress;
  readonly provider: Provider;
  /** Configuration of a job, for one more task. */
  readonly config: string;
  readonly tasks: readonly TaskAddress[];
};

const tasksPerBatch = 1_000;

/**
 * A real node on which so many tasks are open. One of them was published; at each of the others stands a contract that
 * passes every question on to it, because publishing takes a thousand times longer. For a reader they are tasks like it.
 */
export async function startTrackedNetwork(count: number): Promise<TrackedNetwork> {
  const devnet = await startDevnet();
  try {
    const source = await devnet.client.publishSource();
    const config = await devnet.gateway.putJson({ function_name: "analyze_sentiment", data: { text: "great" } });
    const provider = devnet.createProvider(behaviours.honest());
    await provider.enrol(source);
    const original = await devnet.client.publishTask({ source, config, lifetime: 80_000 });
    const tasks = Array.from({ length: count }, (_, index) => addressOf(index));
    await putAt(devnet.rpc.http, tasks, forwarderTo(original));
    await checkTask(devnet.rpc.http, tasks[count - 1] as TaskAddress, source);
    return { devnet, source, provider, config, tasks };
  } catch (error) {
    await devnet.stop();
    throw error;
  }
}

const addressOf = (index: number) => `0x7a5c${(index + 1).toString(16).padStart(36, "0")}` as TaskAddress;

/** ERC-1167 with STATICCALL (fa) for DELEGATECALL (f4): the answers are the other contract's own. */
const forwarderTo = (address: Hex): Hex => `0x363d3d373d3d3d363d73${address.slice(2)}5afa3d82803e903d91602b57fd5bf3`;

async function putAt(url: string, addresses: readonly TaskAddress[], code: Hex): Promise<void> {
  const rpc = createJsonRpc({ url, timeoutMs: 60_000 });
  for (let start = 0; start < addresses.length; start += tasksPerBatch) {
    const some = addresses.slice(start, start + tasksPerBatch);
    const answers = await rpc.batch(some.map((address) => ({ method: "anvil_setCode", params: [address, code] })));
    for (const answer of answers) resultOf(answer);
  }
}

async function checkTask(url: string, task: TaskAddress, source: SourceAddress): Promise<void> {
  const data = encodeFunctionData({ abi: taskAbi, functionName: "getSource" });
  const answer = await createJsonRpc({ url, timeoutMs: 10_000 }).call<Hex>("eth_call", { to: task, data }, "latest");
  if (!answer.endsWith(source.slice(2))) throw new Error(`the task ${task} has the source ${answer}`);
}

/** Writes a journal in which the tasks are open, and everything up to the node's head is read. */
export async function writeJournal(path: string, { devnet, source, tasks }: TrackedNetwork): Promise<void> {
  const journal = openSqliteJournal({ path, chainId: devnet.chainId });
  const { number, hash } = await devnet.publicClient.getBlock();
  const cursor = { number, hash: hash as Hash };
  for (let start = 0; start < tasks.length; start += tasksPerBatch) {
    const some = tasks.slice(start, start + tasksPerBatch).map((task) => ({ task, source }));
    await journal.intake({ tasks: some, responses: [], touched: [], cursor, audited: cursor });
  }
  await journal.close();
}
