import type { PayloadOptions } from "../../../../src/payload/createPayload.ts";
import type { Arena } from "../support/arena.ts";

export type Arranged = { readonly data: string; readonly options?: Partial<PayloadOptions> };

/** Something that a stranger may submit, and the reason that it ends with; `(transient)` where it is looked at again. */
export type HostileRow = readonly [
  what: string,
  reason: string,
  arrange: (arena: Arena) => Promise<Arranged | string> | Arranged | string,
];

export type RowLimits = { readonly maxBytes: number; readonly timeoutMs: number; readonly firstByteTimeout: number };

const maxBytes = 1_048_576;

/** What rows about time are read with. */
export const shortLimits: RowLimits = { maxBytes, timeoutMs: 2_000, firstByteTimeout: 1_000 };

/** What all others are read with: none of them should come near. */
export const longLimits: RowLimits = { maxBytes, timeoutMs: 20_000, firstByteTimeout: 20_000 };

export const tooLarge = "larger than 1048576 bytes";
export const late = "no answer within 1000 ms (transient)";
export const timedOut = "timed out after 2000 ms (transient)";
export const notPublic = "the host is not public";

export const urlOf = async (host: Promise<string>): Promise<string> => `http://${await host}/a?token=secret`;
