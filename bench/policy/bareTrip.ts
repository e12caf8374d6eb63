import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { FactsJson } from "../../src/policy/factsJson.ts";

/** Round trips to threads that judge nothing: the limit of whatever judges in a thread. */
export async function openBareTrip(threads: number) {
  const waiting = new Map<number, () => void>();
  const workers = Array.from({ length: threads }, () => new Worker(new URL("./echo.ts", import.meta.url)));
  for (const worker of workers) {
    worker.on("message", (id: number) => {
      waiting.get(id)?.();
      waiting.delete(id);
    });
  }
  await Promise.all(workers.map((worker) => once(worker, "online")));
  let next = 0;
  return {
    go: (facts: readonly FactsJson[]) =>
      new Promise<void>((resolve) => {
        const id = next++;
        waiting.set(id, resolve);
        workers[id % workers.length]?.postMessage({ id, facts: facts.map((each) => JSON.stringify(each)) });
      }),
    close: () => Promise.all(workers.map((worker) => worker.terminate())),
  };
}
