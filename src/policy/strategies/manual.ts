import type { Strategy } from "./strategy.ts";

/** Nobody is paid until a person says so. */
export const manual: Strategy = (_contenders, isClosed) =>
  isClosed
    ? { kind: "nobody", reason: "eligible: a person decides" }
    : { kind: "open", reason: "a person decides when the window closes" };
