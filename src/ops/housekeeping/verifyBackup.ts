import { Worker } from "node:worker_threads";
import { threadEnvironment } from "../../threadEnvironment.ts";
import type { Verification } from "./verifyWorker.ts";

/** TypeScript as it is in the repository, JavaScript in the package. */
const entry = new URL(`./verifyWorker.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url);

/**
 * Reads a copy of the journal whole, in a thread of its own: a large one takes a while.
 * @returns how many rows it holds. @throws Error that says what is wrong with it.
 */
export async function verifyInThread(path: string): Promise<number> {
  const worker = new Worker(entry, {
    workerData: { path },
    env: threadEnvironment(),
    execArgv: ["--disable-warning=ExperimentalWarning"],
    resourceLimits: { maxOldGenerationSizeMb: 512 },
  });
  try {
    const found = await new Promise<Verification>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
      worker.once("exit", () => reject(new Error("the thread that proves the copy ended early")));
    });
    if (found.problem !== undefined) throw new Error(`the copy of the journal is no good: ${found.problem}`);
    return found.rows;
  } finally {
    await worker.terminate();
  }
}
