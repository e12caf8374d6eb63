import { Worker } from "node:worker_threads";
import { RetryableError } from "../../errors.ts";
import { threadEnvironment } from "../../threadEnvironment.ts";
import type { BareSignature, Parity } from "../signature.ts";
import { type Answer, type Birth, digestBytes, type Order, type Signed, unpackSigned } from "./messages.ts";

export type SigningThread = {
  readonly ready: Promise<void>;
  /** Signs, and checks what it signed. @throws RetryableError `SIGNING_THREAD_LOST`; so too below. */
  readonly sign: (digest: Uint8Array) => Promise<Signed>;
  readonly check: (digest: Uint8Array, signature: BareSignature) => Promise<Parity | undefined>;
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
    env: threadEnvironment(),
    execArgv: ["--disable-warning=ExperimentalWarning"],
    resourceLimits: { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 4 },
  });
  const signing = createWaiting<Signed>();
  const checking = createWaiting<Parity | undefined>();
  const load = () => signing.size() + checking.size();
  const ready = Promise.withResolvers<void>();
  ready.promise.catch(() => undefined);
  let lastId = 0;
  let alive = true;
  const end = (why: string) => {
    alive = false;
    ready.reject(lost(why));
    for (const { fail } of [signing, checking]) fail(lost(why));
  };
  worker.on("message", (answer: Answer) => {
    settle(answer);
    // An idle thread must not keep the process alive; one with work must.
    if (load() === 0) worker.unref();
  });
  const settle = (answer: Answer) => {
    switch (answer.type) {
      case "ready":
        return ready.resolve();
      case "signed":
        for (const [index, id] of answer.ids.entries()) signing.settle(id, unpackSigned(answer.signed, index));
        return;
      case "checked":
        return checking.settle(answer.id, answer.parity);
      case "failed":
        for (const { fail } of [signing, checking]) fail(lost("failed at its work"), answer.ids);
        return;
      default:
        return answer satisfies never;
    }
  };
  const post = (order: Order) => {
    if (alive) worker.postMessage(order);
  };
  let ids: number[] = [];
  let digests: Uint8Array[] = [];
  const order = (id: number, digest: Uint8Array) => {
    ids.push(id);
    digests.push(digest);
    if (ids.length > 1) return;
    queueMicrotask(() => {
      // Of its own: a piece of Node's pool would take the whole pool along.
      const all = new Uint8Array(ids.length * digestBytes);
      for (const [index, each] of digests.entries()) all.set(each, index * digestBytes);
      post({ type: "sign", ids, digests: all });
      ids = [];
      digests = [];
    });
  };
  // What it says of the error may quote what it worked on.
  worker.on("error", () => end("broke"));
  worker.on("exit", () => end("ended"));
  return {
    ready: ready.promise,
    sign: (digest) => {
      if (!alive) return Promise.reject(lost("is gone"));
      const id = ++lastId;
      worker.ref();
      order(id, digest);
      return signing.wait(id);
    },
    check: (digest, signature) => {
      if (!alive) return Promise.reject(lost("is gone"));
      const id = ++lastId;
      worker.ref();
      post({ type: "check", id, digest, signature });
      return checking.wait(id);
    },
    load,
    isAlive: () => alive,
    close: async () => {
      end("was closed");
      await worker.terminate();
    },
  };
}

/** Those who wait for an answer, by the IDs of what they asked for. */
function createWaiting<T>() {
  const waiting = new Map<number, PromiseWithResolvers<T>>();
  return {
    size: () => waiting.size,
    wait: (id: number): Promise<T> => {
      const answer = Promise.withResolvers<T>();
      waiting.set(id, answer);
      return answer.promise;
    },
    settle: (id: number, value: T) => {
      waiting.get(id)?.resolve(value);
      waiting.delete(id);
    },
    /** @param ids @default all of them */
    fail: (error: Error, ids: Iterable<number> = [...waiting.keys()]) => {
      for (const id of ids) {
        waiting.get(id)?.reject(error);
        waiting.delete(id);
      }
    },
  };
}
