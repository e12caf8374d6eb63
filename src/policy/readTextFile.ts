import { readFileSync, statSync } from "node:fs";

const maxFileBytes = 1024 * 1024;

/**
 * Reads a file as UTF-8, strictly.
 * @throws TypeError whose message says of the file what is wrong with it: "is larger than 1 MiB".
 */
export function readTextFile(path: string): string {
  let bytes: Buffer;
  try {
    if (statSync(path).size > maxFileBytes) throw new TypeError("is larger than 1 MiB");
    bytes = readFileSync(path);
  } catch (cause) {
    throw cause instanceof TypeError ? cause : new TypeError("cannot be read", { cause });
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new TypeError("is not UTF-8 text", { cause });
  }
}
