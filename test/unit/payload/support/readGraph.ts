import { parentPort, workerData } from "node:worker_threads";
import { PayloadError } from "../../../../src/payload/failure.ts";
import { readFile } from "../../../../src/payload/ipfs/readFile.ts";
import { createBlocks } from "./blocks.ts";
import { smallAndEndless } from "./graphs.ts";

/** The entry of a thread that reads one of these graphs, by its name, and answers why it could not. */
const [, build] = smallAndEndless[workerData as string] ?? [];
const blocks = createBlocks();
const root = build?.(blocks);
parentPort?.postMessage("built");
if (root) {
  const said = await readFile(root, [], blocks.get, 2_000_000).then(
    () => "it was read",
    (error: unknown) => (error instanceof PayloadError ? error.failure.error : String(error)),
  );
  parentPort?.postMessage(said);
}
