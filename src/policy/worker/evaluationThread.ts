import { Worker } from "node:worker_threads";
import { threadEnvironment } from "../../threadEnvironment.ts";
import type { Answer, Order } from "./messages.ts";

/** One worker thread, until it ends. */
export type EvaluationThread = {
  readonly post: (order: Order) => void;
  /** Whether it has read the facts of an order, and evaluates. */
  readonly hasBegun: (orderId: number) => boolean;
  /** Programs that it was told to load. */
  readonly loaded: Set<string>;
  readonly kill: () => void;
};

type ThreadEvents = {
  readonly onAnswer: (answer: Answer) => void;
  /** It broke by itself: out of memory, or a plug-in that ends its thread. */
  readonly onEnd: (reason: string) => void;
};

/** TypeScript as it is in the repository, JavaScript in the package. */
const entry = new URL(`./evaluationWorker.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url);

/**
 * Starts a thread. It gets no environment variables (a plug-in must not find a key there), and a bounded heap.
 *
 * @param memoryMb MiB of its heap.
 */
export function startThread(memoryMb: number, { onAnswer, onEnd }: ThreadEvents): EvaluationThread {
  const begun = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const worker = new Worker(entry, {
    env: threadEnvironment(),
    workerData: begun.buffer,
    execArgv: ["--disable-warning=ExperimentalWarning"],
    resourceLimits: { maxOldGenerationSizeMb: memoryMb, maxYoungGenerationSizeMb: 4 },
    stdout: true,
    stderr: true,
  });
  // What a plug-in prints goes nowhere: it may hold a stranger's text.
  worker.stdout.resume();
  worker.stderr.resume();
  let ended = false;
  const end = (reason: string) => {
    if (ended) return;
    ended = true;
    onEnd(reason);
  };
  worker.on("message", (message: Answer) => !ended && onAnswer(message));
  worker.on("error", (error: NodeJS.ErrnoException) => {
    end(error.code === "ERR_WORKER_OUT_OF_MEMORY" ? "used too much memory" : "broke its thread");
  });
  worker.on("exit", () => end("ended its thread"));
  return {
    post: (order) => worker.postMessage(order),
    hasBegun: (orderId) => Atomics.load(begun, 0) === orderId,
    loaded: new Set(),
    kill: () => {
      ended = true;
      void worker.terminate();
    },
  };
}
