import { hash } from "node:crypto";
import { isHtml } from "./contentType.ts";
import type { Failure } from "./failure.ts";
import { jsonRefusal } from "./jsonGuard.ts";
import { valueRefusal } from "./jsonValues.ts";
import type { Output } from "./payloadPort.ts";

/** What a failed fetch leaves. */
export function noOutput({ error, transient }: Pick<Failure, "error" | "transient">): Output {
  return { valid: false, json: null, text: "", bytes: 0, cidVerified: false, error, transient, digest: "" };
}

/**
 * Reads a body as UTF-8 and as JSON. A body that is neither keeps its digest, and its text where it has one.
 *
 * @param type Its media type, where the server gave one.
 */
export function decodeBody(body: Uint8Array, { cidVerified = false, type = "" } = {}): Output {
  const digest = hash("sha256", body);
  const came = { bytes: body.length, cidVerified, digest, transient: false };
  const text = decodeText(body);
  if (text === undefined) return { ...came, valid: false, json: null, text: "", error: "not UTF-8" };
  const refused = (error: string): Output => ({ ...came, valid: false, json: null, text, error });
  if (text === "") return refused("empty");
  const unfit = jsonRefusal(text);
  if (unfit) return refused(unfit);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return refused(isHtml(type, text) ? "an HTML page, not JSON" : "not JSON");
  }
  const odd = valueRefusal(json);
  return odd ? refused(odd) : { ...came, valid: true, json, text, error: "" };
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function decodeText(body: Uint8Array): string | undefined {
  try {
    return utf8.decode(body);
  } catch {
    return undefined;
  }
}
