import { Worker } from "node:worker_threads";
import type { SimulationOptions, SimulationResult } from "./simulate.ts";

export type RunOptions = Omit<SimulationOptions, "seed"> & {
  readonly from: number;
  readonly seeds: number;
  readonly workers: number;
  /** No new seed is begun once one has failed. */
  readonly stopAtFirst: boolean;
  readonly onResult: (result: SimulationResult) => void;
};

/** What a worker needs to know of a run. */
export type WorkOrder = SimulationOptions;

/** Runs seeds over worker threads; each result is handed over as it comes, in no order. */
export async function runSeeds(options: RunOptions): Promise<void> {
  const { from, seeds, workers, stopAtFirst, onResult, ...simulation } = options;
  let next = from;
  let stopped = false;
  const take = (): WorkOrder | undefined =>
    stopped || next >= from + seeds ? undefined : { ...simulation, seed: next++ };
  const work = () =>
    new Promise<void>((resolve, reject) => {
      const worker = new Worker(new URL("./worker.ts", import.meta.url));
      const give = () => {
        const order = take();
        if (order === undefined) return void worker.terminate().then(() => resolve(), reject);
        worker.postMessage(order);
      };
      worker.on("message", (result: SimulationResult) => {
        if (result.violation && stopAtFirst) stopped = true;
        onResult(result);
        give();
      });
      worker.on("error", reject);
      give();
    });
  await Promise.all(Array.from({ length: Math.min(workers, seeds) }, work));
}
