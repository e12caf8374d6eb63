import type { Output } from "./payloadPort.ts";

/** In the place of a payload that no policy asks for. */
export const notRead: Output = {
  valid: false,
  json: null,
  text: "",
  bytes: 0,
  cidVerified: false,
  error: "the policy does not read it",
  transient: false,
  digest: "",
};
