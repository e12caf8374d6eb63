import { parentPort, workerData } from "node:worker_threads";
import { type Assessor, createAssessor } from "../assessor.ts";
import type { FactsJson } from "../factsJson.ts";
import type { Answer, Order } from "./messages.ts";

/** The entry of the thread that evaluates: it holds compiled programs, and nothing else. */
const port = parentPort;
if (!port) throw new Error("this file is the entry of a worker");

// What it was started with is for Node alone: a plug-in finds nothing there.
process.env = {};

/** The order whose facts have been read: from then on time counts. */
const begun = new Int32Array(workerData as SharedArrayBuffer);
const assessors = new Map<string, Assessor>();
const answer = (message: Answer) => port.postMessage(message);

async function obey(order: Order): Promise<void> {
  switch (order.type) {
    case "load": {
      const { digest } = order.program;
      try {
        assessors.set(digest, await createAssessor(order.program));
        answer({ type: "loaded", digest, error: "" });
      } catch (error) {
        answer({ type: "loaded", digest, error: (error as Error).message });
      }
      return;
    }
    case "forget":
      assessors.delete(order.digest);
      return;
    case "assess": {
      const { id, digest, facts, stopAtEligible } = order;
      const read = facts.map((each) => JSON.parse(each) as FactsJson);
      // Not a message: they are what an evaluation costs most.
      Atomics.store(begun, 0, id);
      const assess = assessors.get(digest);
      for (const [place, each] of read.entries()) {
        const assessment = assess?.(each) ?? ({ kind: "hold", reason: "the policy cannot be compiled" } as const);
        const done = place === read.length - 1 || (stopAtEligible && assessment.kind === "eligible");
        answer({ type: "assessed", id, assessment, done });
        if (done) return;
      }
      answer({ type: "done", id });
      return;
    }
    default:
      order satisfies never;
  }
}

let last: Promise<void> = Promise.resolve();
port.on("message", (order: Order) => {
  last = last.then(() => obey(order));
});
answer({ type: "ready" });
