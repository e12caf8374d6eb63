import { parentPort } from "node:worker_threads";

type Order = { readonly id: number; readonly facts: readonly string[] };

/** The least that a thread can do with facts: read them, and answer. */
parentPort?.on("message", ({ id, facts }: Order) => {
  for (const each of facts) JSON.parse(each);
  parentPort?.postMessage(id);
});
