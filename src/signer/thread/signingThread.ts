import { Worker } from "node:worker_threads";
import { RetryableError } from "../../errors.ts";
import type { BareSignature } from "../signature.ts";
import type { Answer, Birth, Order } from "./messages.ts";

export type SigningThread = {
  readonly ready: Promise<void>;
  /** @throws RetryableError `SIGNING_THREAD_LOST`. */
  readonly ask: (digest: Uint8Array, signature?: BareSignature) => Promise<Exclude<Answer, { type: "ready" }>>;
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
  type Waiting = PromiseWithResolvers<Exclude<Answer, { type: "ready" }>>;
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
  worker.on("message", (message: Answer) => {
    if (message.type === "ready") {
      // An idle thread must not keep the process alive; one with work must.
      if (waiting.size === 0) worker.unref();
      return ready.resolve();
    }
    const found = waiting.get(message.id);
    waiting.delete(message.id);
    if (waiting.size === 0) worker.unref();
    if (message.type === "failed") found?.reject(lost("failed at its work"));
    else found?.resolve(message);
  });
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
      worker.postMessage({ id, digest, ...(signature && { signature }) } satisfies Order);
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
