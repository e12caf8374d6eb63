/** How one kind of value is written, checked and shown. */
export type Format<T> = {
  /** What a person should write; it follows "write" in an error and stands in the documentation. */
  readonly expects: string;
  /**
   * Reads a value as a file holds it.
   * @throws TypeError saying what is wrong and what to write; it never quotes a credential.
   */
  readonly parse: (value: unknown) => T;
  /** Turns the text of an environment variable or a flag into what a file would hold. Default: the text itself. */
  readonly fromText?: (text: string) => unknown;
  /** For people, in a form that `parse` reads again, without credentials. */
  readonly show: (value: T) => unknown;
  /** The format of the elements, where the value is a list: each is then reported by itself. */
  readonly item?: Format<unknown>;
};

/** A private key, or most of one: more hex digits than an address has. */
export const isKeyLike = (text: string): boolean => /^(0x)?[0-9a-f]{48,}$/i.test(text.trim());

/** A text that a person wrote, without what in it may be a private key, or most of one. */
export const hideKeys = (text: string): string => text.replace(/(?:0x)?[0-9a-f]{48,}/gi, "(a long hex number, hidden)");

/** A value in an error message: short, and never something that may be a key. */
export function quote(value: unknown): string {
  if (value === null || value === undefined) return "empty";
  if (typeof value === "string")
    return isKeyLike(value) ? "a long hex number (hidden)" : JSON.stringify(hideKeys(value).slice(0, 60));
  if (typeof value === "number" || typeof value === "bigint")
    return String(value).length > 30 ? "a very long number (hidden)" : `the number ${value}`;
  if (typeof value === "boolean") return String(value);
  return Array.isArray(value) ? "a list" : "a mapping";
}

/** The usual complaint: what it is, and what to write instead. */
export const mismatch = (value: unknown, expects: string): TypeError =>
  new TypeError(`is ${quote(value)}; write ${expects}`);
