import { realpathSync, statSync } from "node:fs";
import { isAbsolute, join, posix, relative, sep } from "node:path";
import type { SchemaSource } from "./program.ts";
import { readTextFile } from "./readTextFile.ts";

const maxSchemas = 64;

/**
 * Reads a file of the policies folder.
 *
 * @param path Relative to the folder.
 * @throws TypeError whose message says what is wrong with it, for the operator.
 */
export function readInside(folder: string, path: string): string {
  if (isAbsolute(path)) throw new TypeError("the path is absolute: write it relative to the policies folder");
  const root = realpathSync(folder);
  let file: string;
  try {
    file = realpathSync(join(root, path));
  } catch {
    throw new TypeError(`there is no file ${path} in the policies folder`);
  }
  const inside = relative(root, file);
  if (inside.startsWith(`..${sep}`) || inside === ".." || isAbsolute(inside)) {
    throw new TypeError("the path leads out of the policies folder");
  }
  if (!statSync(file).isFile()) throw new TypeError(`${path} is not a file`);
  try {
    return readTextFile(file);
  } catch (error) {
    throw new TypeError(`${path} ${(error as Error).message}`, { cause: error });
  }
}

/** A schema with the text of all its files, for the policy's digest. */
type SchemaFiles = { readonly source: SchemaSource; readonly text: string };

/** Reads a JSON Schema and every file that it refers to. @throws TypeError as `readInside` does. */
export function readSchemas(folder: string, path: string): SchemaFiles {
  const documents: Record<string, unknown> = {};
  const texts: string[] = [];
  const start = posix.normalize(path);
  const pending = [start];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (next in documents) continue;
    if (Object.keys(documents).length >= maxSchemas)
      throw new TypeError(`more than ${maxSchemas} schemas hang together`);
    const text = readInside(folder, next);
    const document = parseJson(text);
    texts.push(text);
    documents[next] = document;
    for (const reference of referencesIn(document)) pending.push(fileOf(reference, next));
  }
  return { source: { path: start, documents }, text: texts.join("\0") };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new TypeError("the file is not JSON");
  }
}

function* referencesIn(node: unknown): Generator<string> {
  if (typeof node !== "object" || node === null) return;
  for (const [key, value] of Object.entries(node)) {
    if (key === "$ref" && typeof value === "string" && !value.startsWith("#")) yield value;
    else yield* referencesIn(value);
  }
}

function fileOf(reference: string, from: string): string {
  const [path = ""] = reference.split("#");
  if (/^[a-z][a-z0-9+.-]*:/i.test(path) || path.startsWith("/")) {
    throw new TypeError(`$ref ${reference}: only a relative path inside the policies folder is followed`);
  }
  return posix.normalize(posix.join(posix.dirname(from), path));
}
