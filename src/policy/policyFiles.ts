import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** A policy file as it was read; `text` is `undefined` where it is not UTF-8 text or could not be read. */
export type PolicyFile = { readonly name: string; readonly text: string | undefined; readonly error: string };

const maxFileBytes = 1024 * 1024;

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
    if (statSync(path).size > maxFileBytes) return { name, text: undefined, error: "the file is larger than 1 MiB" };
    return { name, text: new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path)), error: "" };
  } catch (cause) {
    const unreadable = (cause as NodeJS.ErrnoException).code?.startsWith("E") && !(cause instanceof TypeError);
    return { name, text: undefined, error: unreadable ? "the file cannot be read" : "the file is not UTF-8 text" };
  }
}
