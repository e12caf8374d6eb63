import { Ajv2020 } from "ajv/dist/2020.js";
import type { SchemaSource } from "./program.ts";
import { compilePattern } from "./re2.ts";

/** Where a schema refuses a document, as a path inside the schema; empty where it accepts it. */
export type Refusal = (json: unknown) => string;

/** Ids of our own, so that a relative `$ref` leads from file to file inside the policies folder, and nowhere else. */
const idOf = (path: string): string => `https://policies.invalid/${path}`;

/**
 * Knows what a schema may say. It takes long to get ready, the longer the better the code is that it makes, and is needed where
 * files are loaded alone.
 */
let metaSchema: Ajv2020 | undefined;

/**
 * Checks a JSON Schema (2020-12) of an operator's.
 *
 * @throws TypeError whose message says what is wrong with it, for the operator.
 */
export function checkSchema(source: SchemaSource): void {
  usable(() => {
    metaSchema ??= new Ajv2020({ logger: false, code: { optimize: false } });
    for (const [name, document] of Object.entries(source.documents)) {
      if (metaSchema.validateSchema(withId(name, document))) continue;
      throw new TypeError(metaSchema.errorsText(metaSchema.errors, { dataVar: name }));
    }
  });
  compileSchema(source);
}

/**
 * Compiles a JSON Schema that `checkSchema` has nothing against. Patterns are RE2's: none can hang.
 *
 * @throws TypeError whose message says what is wrong with it, for the operator.
 */
export function compileSchema({ path, documents }: SchemaSource): Refusal {
  return usable(() => {
    const regExp = Object.assign(compilePattern, { code: "regExp" });
    const options = { strict: true, strictTypes: false, strictTuples: false, validateSchema: false } as const;
    const ajv = new Ajv2020({ ...options, logger: false, code: { regExp } });
    for (const [name, document] of Object.entries(documents)) ajv.addSchema(withId(name, document));
    const validate = ajv.getSchema(idOf(path));
    if (!validate) throw new TypeError(`there is no ${path}`);
    return (json) => {
      const accepted: unknown = validate(json);
      if (accepted === true) return "";
      return (validate.errors?.[0]?.schemaPath ?? "#").replace(idOf(path), "").replace(idOf(""), "");
    };
  });
}

function usable<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new TypeError(`not a usable JSON Schema: ${(cause as Error).message}`, { cause });
  }
}

function withId(path: string, document: unknown): object {
  if (typeof document !== "object" || document === null) throw new TypeError("a schema is a JSON object");
  if ("$async" in document) throw new TypeError("the schema is asynchronous: take $async out");
  return { ...document, $id: idOf(path) };
}
