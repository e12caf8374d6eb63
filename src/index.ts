export * from "./client/index.ts";
// Both the library and the protocol have one; the library's is the one that users see.
export type { Response } from "./client/types.ts";
export { createDaemon, type Daemon, type DaemonDeps, type DaemonOptions } from "./daemon.ts";
export * from "./errors.ts";
export * from "./protocol/index.ts";
export { createDigestSigner, type DigestSignerOptions } from "./signer/createDigestSigner.ts";
export type { SignedTransaction, Signer, UnsignedTransaction } from "./signer/signerPort.ts";
