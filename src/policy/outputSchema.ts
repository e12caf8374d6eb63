import { Ajv2020 } from "ajv/dist/2020.js";
import type { SchemaSource } from "./program.ts";
import { compilePattern } from "./re2.ts";

/** Where a schema refuses a document, as a path inside the schema; empty where it accepts it. */
export type Refusal = (json: unknown) => string;

/** Ids of our own, so that a relative `$ref` leads from file to file inside the policies folder, and nowhere else. */
const idOf = (path: string): string => `https://policies.invalid/${path}`;

/**
 * Compiles a JSON Schema (2020-12). Patterns are RE2's: none can hang.
 *
 * @throws TypeError whose message says what is wrong with it, for the operator.
 */
export function compileSchema({ path, documents }: SchemaSource): Refusal {
  let trusted = true;
  const regExp = Object.assign(
    (pattern: string, flags: string) => (trusted ? new RegExp(pattern, flags) : compilePattern(pattern)),
    { code: "regExp" },
  );
  try {
    const ajv = new Ajv2020({ strict: true, strictTypes: false, strictTuples: false, logger: false, code: { regExp } });
    for (const [name, document] of Object.entries(documents)) {
      const schema = withId(name, document);
      // The schema's own schema has patterns too; it runs on the operator's text, now, and never again.
      trusted = true;
      if (!ajv.validateSchema(schema)) throw new TypeError(ajv.errorsText(ajv.errors, { dataVar: name }));
      ajv.addSchema(schema);
    }
    trusted = false;
    const validate = ajv.getSchema(idOf(path));
    if (!validate) throw new TypeError(`there is no ${path}`);
    return (json) => {
      const accepted: unknown = validate(json);
      if (accepted === true) return "";
      return (validate.errors?.[0]?.schemaPath ?? "#").replace(idOf(path), "").replace(idOf(""), "");
    };
  } catch (cause) {
    throw new TypeError(`not a usable JSON Schema: ${(cause as Error).message}`, { cause });
  }
}

function withId(path: string, document: unknown): object {
  if (typeof document !== "object" || document === null) throw new TypeError("a schema is a JSON object");
  if ("$async" in document) throw new TypeError("the schema is asynchronous: take $async out");
  return { ...document, $id: idOf(path) };
}
