import type { SchemaSource } from "./program.ts";

type Fits = (value: unknown) => boolean;

const isText: Fits = (value) => typeof value === "string";
const isNumber: Fits = (value) => typeof value === "number";
const isScalar: Fits = (value) => value === null || typeof value !== "object";
const areScalars: Fits = (value) => Array.isArray(value) && value.length <= 50 && value.every(isScalar);

/**
 * Keywords that look at a value once, and what may stand there. `items` and the like hold schemas, each for a value inside:
 * so no value is looked at by two schemas, whatever the document holds.
 */
const keywords: Readonly<Record<string, Fits>> = {
  $schema: isText,
  $comment: isText,
  title: isText,
  description: isText,
  type: (value) => isText(value) || areScalars(value),
  const: isScalar,
  enum: areScalars,
  required: areScalars,
  minimum: isNumber,
  maximum: isNumber,
  exclusiveMinimum: isNumber,
  exclusiveMaximum: isNumber,
  minLength: isNumber,
  maxLength: isNumber,
  minItems: isNumber,
  maxItems: isNumber,
  minProperties: isNumber,
  maxProperties: isNumber,
  items: isBoundedSchema,
  additionalProperties: isBoundedSchema,
  properties: (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
    const schemas = Object.values(value);
    return schemas.length <= 50 && schemas.every(isBoundedSchema);
  },
};

/**
 * Whether checking a document against a schema takes time that grows with the document's size at the most. So there is no
 * pattern, no `uniqueItems`, no reference and nothing that tries several schemas on one value. What is not listed is not bounded.
 */
export const hasBoundedSchema = ({ path, documents }: SchemaSource): boolean => isBoundedSchema(documents[path]);

function isBoundedSchema(schema: unknown): boolean {
  if (typeof schema === "boolean") return true;
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) return false;
  return Object.entries(schema).every(
    ([keyword, value]) => Object.hasOwn(keywords, keyword) && keywords[keyword]?.(value),
  );
}
