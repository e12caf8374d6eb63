import * as behaviours from "../../devnet/actors/behaviours.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { testNode } from "../../devnet/network.ts";
import type { TaskAddress } from "../../src/protocol/brand.ts";

/** A network on which so many tasks wait for their answers, and nobody mines. */
export type Stage = {
  readonly devnet: Devnet;
  readonly tasks: readonly TaskAddress[];
  /** Has the provider answer the next tasks, up to so many of all. */
  readonly answerUpTo: (count: number) => void;
  /** Has the provider answer one more task, held or not. `false`: all are answered. */
  readonly answerNext: () => boolean;
  /** Answers that were sent. */
  readonly sent: () => number;
  /** Of those, the ones that are not mined. */
  readonly unmined: () => number;
  /** While it is held, no answer is sent: what comes into the pool and the blocks is the daemon's alone. */
  readonly hold: (held: boolean) => void;
  /** The first answer that could not be brought on the chain, if any. */
  readonly failure: () => Error | undefined;
};

/** Below 100 % of the task's payment, so that the policy of the daemon's home approves it. */
const price = 10n ** 17n;

export async function openStage(count: number): Promise<Stage> {
  const devnet = await startDevnet();
  try {
    const source = await devnet.client.publishSource();
    const config = await devnet.gateway.putJson({ function_name: "analyze_sentiment", data: { text: "great" } });
    const provider = devnet.createProvider(behaviours.honest());
    await provider.enrol(source);
    const order = { source, config, lifetime: 80_000 };
    const tasks = await Promise.all(Array.from({ length: count }, () => devnet.client.publishTask(order)));
    await Promise.all(tasks.map((task) => provider.attempt(task, price)));
    const answers = await Promise.all(
      tasks.map((_, n) => devnet.gateway.putJson({ label: "positive", confidence: 0.9, n })),
    );
    await testNode(devnet.network, "evm_setAutomine", [false]);

    let wanted = 0;
    let sent = 0;
    let unmined = 0;
    let isHeld = false;
    let failure: Error | undefined;
    const answerNext = () => {
      if (sent >= count) return false;
      unmined++;
      provider.submit(tasks[sent] as TaskAddress, answers[sent] ?? "", price).then(
        () => unmined--,
        (error) => {
          failure ??= error as Error;
        },
      );
      sent++;
      return true;
    };
    const go = () => {
      while (sent < wanted && !isHeld) answerNext();
    };
    return {
      devnet,
      tasks,
      answerUpTo: (upTo) => {
        wanted = Math.min(count, Math.max(wanted, upTo));
        go();
      },
      answerNext,
      sent: () => sent,
      unmined: () => unmined,
      hold: (held) => {
        isHeld = held;
        go();
      },
      failure: () => failure,
    };
  } catch (error) {
    await devnet.stop();
    throw error;
  }
}
