import { createHash } from "node:crypto";
import type { Output, PayloadPort } from "../../src/payload/payloadPort.ts";
import type { Prng } from "./prng.ts";
import type { VirtualTime } from "./virtualTime.ts";

/** What stands behind a payload's address. */
export type ModelDocument = {
  readonly text: string;
  /** So many fetches fail first, and may pass later. */
  failures: number;
};

/** All documents of a run, by address: they outlive a daemon. */
export type ModelDocuments = Map<string, ModelDocument>;

const failed = (error: string, transient: boolean): Output => ({
  valid: false,
  json: null,
  text: "",
  bytes: 0,
  cidVerified: false,
  error,
  transient,
  digest: "",
});

/** The payload port of one daemon; once it is dead, nothing answers any more. */
export function createModelPayload(
  documents: ModelDocuments,
  { time, prng, isAlive }: { readonly time: VirtualTime; readonly prng: Prng; readonly isAlive: () => boolean },
): PayloadPort {
  const read = (data: string): Output => {
    const document = documents.get(data);
    if (document === undefined) return failed("there is no such document", false);
    if (document.failures > 0) {
      document.failures--;
      return failed("the gateway is down", true);
    }
    const { text } = document;
    const digest = createHash("sha256").update(text).digest("hex");
    const found = { text, bytes: text.length, cidVerified: true, transient: false, digest };
    try {
      return { ...found, valid: true, json: JSON.parse(text), error: "" };
    } catch {
      return { ...found, valid: false, json: null, error: "it is not JSON" };
    }
  };
  return {
    fetch: (data) =>
      new Promise((resolve) => {
        time.after(prng.between(1, 400), () => {
          if (isAlive()) resolve(read(data));
        });
      }),
  };
}
