import { RE2JS } from "@bufbuild/re2";

/** A pattern in RE2's syntax: matched in time that grows with the text, never with its tricks. */
type Pattern = { readonly source: string; readonly test: (text: string) => boolean };

const maxPatternLength = 1_000;
const cache = new Map<string, Pattern>();
const cacheSize = 256;

/**
 * Compiles a pattern; finds it anywhere in a text unless `^` and `$` say otherwise, as CEL's `matches` does.
 *
 * @throws TypeError if it is longer than 1,000 characters or no RE2 (look-arounds and back-references are none).
 */
export function compilePattern(source: string): Pattern {
  const known = cache.get(source);
  if (known) return known;
  if (source.length > maxPatternLength) throw new TypeError(`a pattern has at most ${maxPatternLength} characters`);
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(source);
  } catch (cause) {
    throw new TypeError(`not an RE2 pattern: ${(cause as Error).message.slice(0, 200)}`, { cause });
  }
  const pattern: Pattern = { source, test: (text) => compiled.test(text) };
  if (cache.size >= cacheSize) cache.clear();
  cache.set(source, pattern);
  return pattern;
}
