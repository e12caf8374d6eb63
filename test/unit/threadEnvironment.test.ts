import { once } from "node:events";
import { getCompileCacheDir } from "node:module";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { threadEnvironment } from "../../src/threadEnvironment.ts";

test("a thread keeps compiled code where its process does, and finds nothing else of its environment", async () => {
  // Where it were not set, there would be nothing to find.
  expect(getCompileCacheDir()).toBeTypeOf("string");
  const thread = new Worker(
    `const { parentPort } = require("node:worker_threads");
     const { getCompileCacheDir } = require("node:module");
     parentPort.postMessage([getCompileCacheDir(), Object.keys(process.env)]);`,
    { eval: true, env: threadEnvironment() },
  );
  expect(await once(thread, "message")).toEqual([[getCompileCacheDir(), ["NODE_COMPILE_CACHE"]]]);
  await thread.terminate();
});
