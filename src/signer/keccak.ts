import { createKeccak, type IHasher } from "hash-wasm";
import { keccak256 } from "viem/utils";

let compiled: IHasher | undefined;
const sample = new Uint8Array(200).fill(7);

/** Whether WebAssembly hashes, from now on: it is compiled, and comes to what JavaScript comes to. */
export const isCompiled: Promise<boolean> = createKeccak(256)
  .then((hasher) => {
    const isRight = Buffer.compare(hasher.init().update(sample).digest("binary"), keccak256(sample, "bytes")) === 0;
    if (isRight) compiled = hasher;
    return isRight;
  })
  .catch(() => false);

/** Keccak-256, 32 bytes. By WebAssembly, which takes a fraction of the time of JavaScript; by that until it is compiled. */
export const keccakOf = (bytes: Uint8Array): Uint8Array =>
  compiled === undefined ? keccak256(bytes, "bytes") : compiled.init().update(bytes).digest("binary");
