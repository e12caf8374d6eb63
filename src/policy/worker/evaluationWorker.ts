import { parentPort } from "node:worker_threads";
import { type Assessor, createAssessor } from "../assessor.ts";
import type { Answer, Order } from "./messages.ts";

/** The entry of the thread that evaluates: it holds compiled programs, and nothing else. */
const port = parentPort;
if (!port) throw new Error("this file is the entry of a worker");

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
    case "assess": {
      const { id, digest, facts, stopAtEligible } = order;
      answer({ type: "begun", id });
      const assess = assessors.get(digest);
      for (const each of facts) {
        const assessment = assess?.(each) ?? ({ kind: "hold", reason: "the policy cannot be compiled" } as const);
        answer({ type: "assessed", id, assessment });
        if (stopAtEligible && assessment.kind === "eligible") break;
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
