import { DatabaseSync } from "node:sqlite";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import * as behaviours from "../../devnet/actors/behaviours.ts";
import type { Provider } from "../../devnet/actors/provider.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { testNode } from "../../devnet/network.ts";
import type { Hash, SourceAddress, TaskAddress } from "../../src/protocol/brand.ts";
import { checksummed } from "../../src/protocol/brand.ts";
import { confirmationsOnChain } from "../support/chainTruth.ts";
import { createHome, type DaemonProcess, type Home, startDaemon } from "../support/daemonProcess.ts";

let devnet: Devnet;
let source: SourceAddress;
let config: string;
let provider: Provider;
let home: Home;
let daemon: DaemonProcess;
let nonce: number;

beforeAll(async () => {
  devnet = await startDevnet();
  source = await devnet.client.publishSource();
  config = await devnet.gateway.putJson({ function_name: "analyze_sentiment", data: { text: "great" } });
  provider = devnet.createProvider(behaviours.honest());
  await provider.enrol(source);
});
afterAll(() => devnet.stop());
beforeEach(async () => {
  home = createHome(devnet);
  nonce = await minedNonce();
  await start().ready();
});
afterEach(async () => {
  await setAutomine(true);
  daemon.kill("SIGKILL");
  await daemon.exited;
  home.remove();
});

const start = (env: Readonly<Record<string, string>> = {}) => {
  daemon = startDaemon({ home, privateKey: devnet.accounts.agent.privateKey, env });
  return daemon;
};
const setAutomine = (on: boolean) => testNode(devnet.network, "evm_setAutomine", [on]);
const minedNonce = () => devnet.publicClient.getTransactionCount({ address: devnet.accounts.agent.address });
const pendingNonce = () =>
  devnet.publicClient.getTransactionCount({ address: devnet.accounts.agent.address, blockTag: "pending" });

/** Publishes tasks, has them answered, and stops mining before the daemon can see a receipt. */
async function answeredTasks(count: number): Promise<readonly TaskAddress[]> {
  const tasks: TaskAddress[] = [];
  for (let index = 0; index < count; index++) tasks.push(await devnet.client.publishTask({ source, config }));
  await Promise.all(tasks.map((task) => provider.attempt(task, 1n)));
  const answers = await Promise.all(tasks.map(() => devnet.gateway.putJson({ label: "positive", confidence: 0.9 })));
  // The submissions are mined in one block, and nothing after it.
  await setAutomine(false);
  const submissions = tasks.map((task, index) => provider.submit(task, answers[index] ?? "", 1n));
  while ((await devnet.publicClient.getBlockTransactionCount({ blockTag: "pending" })) < count) await pause();
  await devnet.mine();
  await Promise.all(submissions);
  return tasks;
}
const pause = () => new Promise((resolve) => setTimeout(resolve, 20));

const broadcastOf = async (task: TaskAddress): Promise<Hash> => {
  const record = await daemon.logged(
    (each) => each.msg === "confirmation" && each.state === "broadcast" && each.task === checksummed(task),
  );
  return record.hash as Hash;
};
const killDaemon = async () => {
  daemon.kill("SIGKILL");
  await daemon.exited;
};
/** Mines until the daemon has seen every task's confirmation become final. */
async function untilFinal(tasks: readonly TaskAddress[]): Promise<void> {
  let done = false;
  const all = Promise.all(
    tasks.map((task) =>
      daemon.logged((each) => each.msg === "confirmation" && each.state === "final" && each.task === checksummed(task)),
    ),
  ).finally(() => {
    done = true;
  });
  const mining = (async () => {
    while (!done) {
      await devnet.mine();
      await pause();
    }
  })();
  await Promise.all([all, mining]);
}
async function expectPaidOnce(tasks: readonly TaskAddress[]): Promise<void> {
  const counts = await confirmationsOnChain(devnet);
  for (const task of tasks) expect(counts.get(task)).toBe(1);
  expect(await minedNonce()).toBe(nonce + tasks.length);
  expect(await pendingNonce()).toBe(nonce + tasks.length);
}
const journalled = (sql: string) => {
  const database = new DatabaseSync(home.journalPath, { readOnly: true });
  try {
    return database.prepare(sql).all();
  } finally {
    database.close();
  }
};

describe("a daemon that is killed after the broadcast and before the receipt", () => {
  it("finds its transaction mined when it is back, and pays nothing twice", async () => {
    const tasks = await answeredTasks(3);
    await Promise.all(tasks.map(broadcastOf));
    await killDaemon();
    // That a node took them the journal hears in the next round, if there is one before the end.
    const flies = "SELECT DISTINCT state IN ('signed', 'broadcast') AS flies, count(*) AS count FROM confirmations";
    expect(journalled(flies)).toEqual([{ flies: 1, count: tasks.length }]);
    await devnet.mine();
    start();
    await untilFinal(tasks);
    await expectPaidOnce(tasks);
    expect(journalled("SELECT count(*) AS attempts FROM attempts")).toEqual([{ attempts: tasks.length }]);
  });

  it("goes on with the same bytes while they are still pending", async () => {
    const tasks = await answeredTasks(2);
    const before = await Promise.all(tasks.map(broadcastOf));
    await killDaemon();
    await start().ready();
    await untilFinal(tasks);
    await expectPaidOnce(tasks);
    const mined = journalled("SELECT mined_hash FROM confirmations").map((row) => row.mined_hash);
    expect(new Set(mined)).toEqual(new Set(before));
  });

  it("sends the same bytes again when the node has dropped them", async () => {
    const [task] = (await answeredTasks(1)) as [TaskAddress];
    const hash = await broadcastOf(task);
    await killDaemon();
    await testNode(devnet.network, "anvil_dropTransaction", [hash]);
    expect(await pendingNonce()).toBe(nonce);
    start();
    await untilFinal([task]);
    await expectPaidOnce([task]);
    expect(journalled("SELECT mined_hash FROM confirmations")).toEqual([{ mined_hash: hash }]);
  });

  it("sees that somebody else paid meanwhile, and does not pay again", async () => {
    const [task] = (await answeredTasks(1)) as [TaskAddress];
    const hash = await broadcastOf(task);
    await killDaemon();
    await testNode(devnet.network, "anvil_dropTransaction", [hash]);
    await setAutomine(true);
    const [response] = journalled("SELECT response FROM confirmations").map((row) => row.response as `0x${string}`);
    await devnet.client.confirmResponse(response as never);
    await start({ OGPU_SINK_REBROADCAST_AFTER: "1s" }).ready();
    const settled = daemon.logged(({ msg, state }) => msg === "confirmation" && state === "superseded");
    while (!(await Promise.race([settled.then(() => true), pause().then(() => false)]))) await devnet.mine();
    expect((await confirmationsOnChain(devnet)).get(task)).toBe(1);
    expect(await pendingNonce()).toBe(await minedNonce());
  });
});
