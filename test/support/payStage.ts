import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import * as behaviours from "../../devnet/actors/behaviours.ts";
import type { Provider } from "../../devnet/actors/provider.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { testNode } from "../../devnet/network.ts";
import type { TaskAddress } from "../../src/protocol/brand.ts";
import { checksummed } from "../../src/protocol/brand.ts";
import type { DaemonProcess, Home } from "./daemonProcess.ts";

/** A devnet with one source and one provider, for tests about paying. */
export type PayStage = {
  readonly devnet: Devnet;
  readonly setAutomine: (on: boolean) => Promise<unknown>;
  /**
   * Tasks of 1 OGPU each with one valid answer, all of them submitted in one block; nothing is mined by itself afterwards.
   * @param price wei. @default 1
   */
  readonly answeredTasks: (count: number, price?: bigint) => Promise<readonly TaskAddress[]>;
  /** Mines blocks until the promise is settled. */
  readonly mineUntil: <T>(done: Promise<T>) => Promise<T>;
};

export async function openPayStage(): Promise<PayStage> {
  const devnet = await startDevnet();
  const source = await devnet.client.publishSource();
  const config = await devnet.gateway.putJson({ function_name: "analyze_sentiment", data: { text: "great" } });
  const provider: Provider = devnet.createProvider(behaviours.honest());
  await provider.enrol(source);
  const setAutomine = (on: boolean) => testNode(devnet.network, "evm_setAutomine", [on]);
  return {
    devnet,
    setAutomine,
    answeredTasks: async (count, price = 1n) => {
      await setAutomine(true);
      const tasks: TaskAddress[] = [];
      for (let index = 0; index < count; index++) tasks.push(await devnet.client.publishTask({ source, config }));
      await Promise.all(tasks.map((task) => provider.attempt(task, price)));
      const answer = () => devnet.gateway.putJson({ label: "positive", confidence: 0.9 });
      const answers = await Promise.all(tasks.map(answer));
      await setAutomine(false);
      const submissions = tasks.map((task, index) => provider.submit(task, answers[index] ?? "", price));
      while ((await devnet.publicClient.getBlockTransactionCount({ blockTag: "pending" })) < count) await sleep(20);
      await devnet.mine();
      await Promise.all(submissions);
      return tasks;
    },
    mineUntil: async (done) => {
      let isOver = false;
      const over = done.finally(() => {
        isOver = true;
      });
      const mining = (async () => {
        while (!isOver) {
          await devnet.mine();
          await sleep(50);
        }
      })();
      const [result] = await Promise.all([over, mining]);
      return result;
    },
  };
}

/** When the daemon has told of this state for each of these tasks. */
export const toldOf = (daemon: DaemonProcess, state: string, tasks: readonly TaskAddress[]) =>
  Promise.all(
    tasks.map((task) =>
      daemon.logged((each) => each.msg === "confirmation" && each.state === state && each.task === checksummed(task)),
    ),
  );

/** How often a message stands in the log. */
export const timesLogged = (daemon: DaemonProcess, message: string): number =>
  daemon.output().split(`"msg":"${message}"`).length - 1;

/** Rows of the daemon's journal, while it runs or not. */
export function journalRows({ journalPath }: Home, sql: string): readonly Record<string, unknown>[] {
  const database = new DatabaseSync(journalPath, { readOnly: true });
  try {
    return database
      .prepare(sql)
      .all()
      .map((row) => ({ ...row }));
  } finally {
    database.close();
  }
}
