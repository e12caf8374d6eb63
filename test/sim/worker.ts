import { parentPort } from "node:worker_threads";
import { cleanUp } from "./home.ts";
import type { WorkOrder } from "./runSeeds.ts";
import { simulate } from "./simulate.ts";

/** One thread of `runSeeds`: a seed in, a result out. */
const port = parentPort;
if (port === null) throw new TypeError("this file is a worker's");
port.on("message", async (order: WorkOrder) => {
  const result = await simulate(order);
  cleanUp();
  port.postMessage(result.violation ? result : { ...result, lines: [] });
});
