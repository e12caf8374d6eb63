import { Worker } from "node:worker_threads";
import { expect, onTestFinished, test } from "vitest";
import { smallAndEndless } from "../support/graphs.ts";

/** What takes seconds and megabytes where it is done once takes minutes and gigabytes where it is done for each link. */
const limits = { memoryMb: 128, ms: 10_000 };

/** How a graph is read in a thread of its own, whose heap and whose time end. */
async function readApart(name: string): Promise<string> {
  const worker = new Worker(new URL("../support/readGraph.ts", import.meta.url), {
    workerData: name,
    resourceLimits: { maxOldGenerationSizeMb: limits.memoryMb },
  });
  onTestFinished(async () => void (await worker.terminate()));
  const { promise, resolve } = Promise.withResolvers<string>();
  worker.on("error", (error: NodeJS.ErrnoException) => resolve(`its thread ended: ${error.code ?? error.message}`));
  worker.on("message", (said: string) => {
    if (said !== "built") resolve(said);
    else setTimeout(() => resolve("it is still being read"), limits.ms).unref();
  });
  return promise;
}

test.each(Object.entries(smallAndEndless))("%s cost no more than what they are", async (name, [reason]) => {
  expect(await readApart(name)).toBe(reason);
});
