import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { readTextFile } from "./readTextFile.ts";

/** A policy file as it was read; `text` is `undefined` where it is not UTF-8 text or could not be read. */
export type PolicyFile = { readonly name: string; readonly text: string | undefined; readonly error: string };

/**
 * Reads the `*.yaml` and `*.yml` files of a folder, sorted by name. Folders inside it are not entered.
 *
 * @throws what `node:fs` throws where the folder cannot be read.
 */
export function readPolicyFiles(folder: string): readonly PolicyFile[] {
  return readdirSync(folder)
    .filter((name) => /\.ya?ml$/.test(name) && !name.startsWith("."))
    .sort((a, b) => (a < b ? -1 : 1))
    .filter((name) => !statSync(join(folder, name), { throwIfNoEntry: false })?.isDirectory())
    .map((name) => readPolicyFile(join(folder, name), name));
}

function readPolicyFile(path: string, name: string): PolicyFile {
  try {
    return { name, text: readTextFile(path), error: "" };
  } catch (error) {
    return { name, text: undefined, error: `the file ${(error as Error).message}` };
  }
}
