import type { PayloadPort } from "./payloadPort.ts";

/**
 * Works with a port whose outputs count against the memory for payloads until the work is done: they live as long as that, and
 * their fetch may be over for minutes.
 */
export async function whileHeld<T>(payload: PayloadPort, work: (payload: PayloadPort) => Promise<T>): Promise<T> {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  try {
    return await work({ fetch: (data, limits) => payload.fetch(data, limits, released) });
  } finally {
    release();
  }
}
