import type { AccountAddress } from "../../protocol/brand.ts";
import type { BareSignature, Parity, Signature } from "../signature.ts";

export const engines = ["javascript", "native"] as const;
/** Which implementation of the curve signs. */
export type Engine = (typeof engines)[number];

/** What a thread is born with; nothing else ever holds the key there. */
export type Birth = {
  readonly engine: Engine;
  /** Without it the thread only checks. */
  readonly privateKey: Uint8Array | undefined;
  readonly address: AccountAddress;
};

/** Without a signature: sign, and check what was signed. With one: only check. All of one moment go in one message. */
export type Order = { readonly id: number; readonly digest: Uint8Array; readonly signature?: BareSignature };

/** To some of the orders, in order. */
export type Answers = { readonly type: "ready" } | { readonly type: "answers"; readonly answers: readonly Answer[] };

export type Answer =
  | { readonly type: "signed"; readonly id: number; readonly signature: Signature; readonly parity: Parity | undefined }
  | { readonly type: "checked"; readonly id: number; readonly parity: Parity | undefined }
  /** No reason is given: it might quote the key. */
  | { readonly type: "failed"; readonly id: number };
