import { createKeccak, type IHasher } from "hash-wasm";
import { keccak256 } from "viem/utils";

let compiled: IHasher | undefined;
createKeccak(256).then(
  (hasher) => {
    compiled = hasher;
  },
  () => undefined,
);

/**
 * Keccak-256, 32 bytes. By WebAssembly, which takes a tenth of the time of JavaScript; by that until it is compiled, and for good
 * where it cannot be.
 */
export const keccakOf = (bytes: Uint8Array): Uint8Array =>
  compiled === undefined ? keccak256(bytes, "bytes") : compiled.init().update(bytes).digest("binary");
