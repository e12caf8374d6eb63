import { createHash } from "node:crypto";
import { jsonRefusal } from "./jsonGuard.ts";
import type { Output } from "./payloadPort.ts";

/** What a failed fetch leaves. */
export const noOutput = (error: string, transient: boolean): Output => {
  return { valid: false, json: null, text: "", bytes: 0, cidVerified: false, error, transient, digest: "" };
};

/** Reads a body as UTF-8 and as JSON. A body that is neither keeps its digest, and its text where it has one. */
export function decodeBody(body: Uint8Array, cidVerified: boolean): Output {
  const digest = createHash("sha256").update(body).digest("hex");
  const came = { bytes: body.length, cidVerified, digest, transient: false };
  const text = decodeText(body);
  if (text === undefined) return { ...came, valid: false, json: null, text: "", error: "not UTF-8" };
  const refused = jsonRefusal(text);
  if (refused) return { ...came, valid: false, json: null, text, error: refused };
  try {
    return { ...came, valid: true, json: JSON.parse(text), text, error: "" };
  } catch {
    return { ...came, valid: false, json: null, text, error: "not JSON" };
  }
}

function decodeText(body: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    return undefined;
  }
}
