import { Worker } from "node:worker_threads";
import { RetryableError } from "../../errors.ts";
import type { BareSignature } from "../signature.ts";
import type { Answer, Answers, Birth, Order } from "./messages.ts";

export type SigningThread = {
  readonly ready: Promise<void>;
  /** @throws RetryableError `SIGNING_THREAD_LOST`. */
  readonly ask: (digest: Uint8Array, signature?: BareSignature) => Promise<Answer>;
  /** Orders that have no answer yet. */
  readonly load: () => number;
  readonly isAlive: () => boolean;
  readonly close: () => Promise<void>;
};

/** TypeScript as it is in the repository, JavaScript in the package. */
const entry = new URL(`./signingWorker.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url);

const lost = (why: string): RetryableError =>
  new RetryableError(`the signing thread ${why}`, {
    code: "SIGNING_THREAD_LOST",
    remedy: "nothing was signed; it is tried again with a new thread",
  });

/** Starts a thread. It gets no environment variables, a bounded heap, and its own copy of the key. */
export function startSigningThread(birth: Birth): SigningThread {
  const worker = new Worker(entry, {
    workerData: birth,
    env: {},
    execArgv: ["--disable-warning=ExperimentalWarning"],
    resourceLimits: { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 4 },
  });
  type Waiting = PromiseWithResolvers<Answer>;
  const waiting = new Map<number, Waiting>();
  const ready = Promise.withResolvers<void>();
  ready.promise.catch(() => undefined);
  let lastId = 0;
  let alive = true;
  const end = (why: string) => {
    alive = false;
    ready.reject(lost(why));
    for (const { reject } of waiting.values()) reject(lost(why));
    waiting.clear();
  };
  worker.on("message", (message: Answers) => {
    if (message.type === "ready") ready.resolve();
    else for (const answer of message.answers) settle(answer);
    // An idle thread must not keep the process alive; one with work must.
    if (waiting.size === 0) worker.unref();
  });
  const settle = (answer: Answer) => {
    const found = waiting.get(answer.id);
    waiting.delete(answer.id);
    if (answer.type === "failed") found?.reject(lost("failed at its work"));
    else found?.resolve(answer);
  };
  let orders: Order[] = [];
  /** A message costs as much as a signature: what is asked for in one moment goes in one. */
  const order = (next: Order) => {
    orders.push(next);
    if (orders.length > 1) return;
    queueMicrotask(() => {
      if (alive) worker.postMessage(orders);
      orders = [];
    });
  };
  // What it says of the error may quote what it worked on.
  worker.on("error", () => end("broke"));
  worker.on("exit", () => end("ended"));
  return {
    ready: ready.promise,
    ask: (digest, signature) => {
      if (!alive) return Promise.reject(lost("is gone"));
      const id = ++lastId;
      const answer: Waiting = Promise.withResolvers();
      waiting.set(id, answer);
      worker.ref();
      order({ id, digest, ...(signature && { signature }) });
      return answer.promise;
    },
    load: () => waiting.size,
    isAlive: () => alive,
    close: async () => {
      end("was closed");
      await worker.terminate();
    },
  };
}
