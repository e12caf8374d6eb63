import { BaseError } from "../errors.ts";

const deepest = 6;
const longestText = 8_192;

/** Anything as plain JSON: errors with their causes, big integers as text, long text cut, deep structures ended. */
export function plain(value: unknown, depth = 0): unknown {
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "string") return value.length > longestText ? `${value.slice(0, longestText)}… (cut)` : value;
  if (typeof value !== "object" || value === null) return value;
  if (depth >= deepest) return "… (deeper)";
  if (value instanceof Error) return plainError(value, depth);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (value instanceof Map) return plain(Object.fromEntries(value), depth);
  if (Array.isArray(value) || value instanceof Set) return [...value].map((item) => plain(item, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item, depth + 1)]));
}

/** Only what is named here: libraries hang requests, bodies and keys on their errors. */
function plainError(error: Error, depth: number): Record<string, unknown> {
  const { code } = error as { code?: unknown };
  return {
    type: error.name,
    message: plain(error.message),
    ...(typeof code === "string" || typeof code === "number" ? { code } : {}),
    ...(error instanceof BaseError && error.remedy ? { remedy: error.remedy } : {}),
    stack: plain(error.stack),
    ...(error instanceof AggregateError ? { errors: error.errors.map((inner) => plain(inner, depth + 1)) } : {}),
    ...(error.cause === undefined ? {} : { cause: plain(error.cause, depth + 1) }),
  };
}
