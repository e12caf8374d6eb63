/**
 * A key as text, equal where the values are: `1` and `1.0` are one number, maps compare whatever their order.
 * `undefined` for what has no equality to speak of, such as NaN or `null`.
 */
export function keyText(value: unknown): string | undefined {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "boolean":
      return String(value);
    case "bigint":
      return String(value);
    case "number":
      if (!Number.isFinite(value)) return undefined;
      return Number.isInteger(value) ? String(BigInt(value)) : String(value);
    default:
      return Array.isArray(value) ? join(value.map(keyText), "[", "]") : mapText(value);
  }
}

function mapText(value: unknown): string | undefined {
  if (!(value instanceof Map)) return undefined;
  const entries = [...value.entries()].sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
  return join(
    entries.map(([key, each]) => {
      const text = keyText(each);
      return text === undefined ? undefined : `${JSON.stringify(String(key))}:${text}`;
    }),
    "{",
    "}",
  );
}

const join = (parts: readonly (string | undefined)[], open: string, close: string): string | undefined =>
  parts.includes(undefined) ? undefined : `${open}${parts.join(",")}${close}`;
