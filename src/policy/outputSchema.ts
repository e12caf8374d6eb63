import { readFileSync, realpathSync, statSync } from "node:fs";
import { isAbsolute, join, relative, sep } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";

/** A compiled JSON Schema. */
export type OutputSchema = {
  /** The file's bytes: part of the policy's digest. */
  readonly bytes: Uint8Array;
  /** Where the schema refuses a document, as a path inside the schema; empty where it accepts it. */
  readonly refusal: (json: unknown) => string;
};

const maxSchemaBytes = 1024 * 1024;

/**
 * Reads and compiles the schema at `path`, relative to the policies folder and inside it.
 *
 * @throws TypeError whose message says what is wrong with the file, for the operator.
 */
export function loadOutputSchema(folder: string, path: string): OutputSchema {
  const bytes = readFileSync(resolveInside(folder, path));
  const document = parseJson(bytes);
  if (typeof document === "object" && document !== null && "$async" in document) {
    throw new TypeError("the schema is asynchronous: take $async out");
  }
  const validate = compile(document);
  return {
    bytes,
    refusal: (json) => {
      const accepted: unknown = validate(json);
      return accepted === true ? "" : (validate.errors?.[0]?.schemaPath ?? "#");
    },
  };
}

function resolveInside(folder: string, path: string): string {
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
  const entry = statSync(file);
  if (!entry.isFile()) throw new TypeError(`${path} is not a file`);
  if (entry.size > maxSchemaBytes) throw new TypeError(`${path} is larger than 1 MiB`);
  return file;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new TypeError("the file is not JSON");
  }
}

function compile(document: unknown) {
  if (typeof document !== "object" || document === null) throw new TypeError("a schema is a JSON object");
  let trusted = true;
  const regExp = Object.assign(
    (pattern: string, flags: string) => {
      if (trusted) return new RegExp(pattern, flags);
      throw new TypeError("patterns are not supported yet: a pattern can hang the daemon");
    },
    { code: "regExp" },
  );
  try {
    const ajv = new Ajv2020({ strict: true, strictTypes: false, strictTuples: false, logger: false, code: { regExp } });
    // The schema's own schema has patterns too; it runs on the operator's text, now, and never again.
    if (!ajv.validateSchema(document)) throw new TypeError(ajv.errorsText(ajv.errors, { dataVar: "schema" }));
    trusted = false;
    return ajv.compile(document);
  } catch (cause) {
    throw new TypeError(`not a usable JSON Schema: ${(cause as Error).message}`, { cause });
  }
}
