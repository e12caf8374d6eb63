import { setTimeout as sleep } from "node:timers/promises";
import type { PayloadPort } from "./payloadPort.ts";

type Patience = {
  /** How often at the most a document is asked for whose turn does not come. @default 60 */
  readonly tries?: number;
  /** Milliseconds between two tries. @default 1_000 */
  readonly everyMs?: number;
};

/**
 * A port for whoever has time and nothing else to do meanwhile: what has not had its turn is asked for again, for a minute.
 */
export function patiently(payload: PayloadPort, { tries = 60, everyMs = 1_000 }: Patience = {}): PayloadPort {
  return {
    fetch: async (...asked) => {
      for (let nth = 1; ; nth++) {
        const output = await payload.fetch(...asked);
        if (!output.unasked || nth >= tries) return output;
        await sleep(everyMs);
      }
    },
  };
}
