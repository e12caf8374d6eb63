import { RetryableError } from "../../errors.ts";
import type { SignatureCheck } from "../signature.ts";
import type { Birth, Signed } from "./messages.ts";
import { type SigningThread, startSigningThread } from "./signingThread.ts";

type SigningThreads = {
  /** @throws RetryableError `SIGNING_THREAD_LOST` if they cannot start. */
  readonly ready: () => Promise<void>;
  /** Signs in a thread, which also checks what it signed. */
  readonly sign: (digest: Uint8Array) => Promise<Signed>;
  readonly check: SignatureCheck;
  readonly close: () => Promise<void>;
};

/**
 * A few threads for one key, the least busy first. One that is lost is replaced when it is needed again.
 * @param count At least 1.
 */
export function openSigningThreads(birth: Birth, count: number, start = startSigningThread): SigningThreads {
  const threads: SigningThread[] = Array.from({ length: count }, () => start(birth));
  let closed = false;
  const leastBusy = (): SigningThread => {
    if (closed)
      throw new RetryableError("the signer is closed", { code: "SIGNER_CLOSED", remedy: "the daemon is stopping" });
    for (const [index, thread] of threads.entries()) if (!thread.isAlive()) threads[index] = start(birth);
    return threads.reduce((best, thread) => (thread.load() < best.load() ? thread : best));
  };
  return {
    ready: async () => void (await Promise.all(threads.map(({ ready }) => ready))),
    sign: async (digest) => leastBusy().sign(digest),
    check: async (digest, signature) => leastBusy().check(digest, signature),
    close: async () => {
      closed = true;
      await Promise.all(threads.map(({ close }) => close()));
    },
  };
}
