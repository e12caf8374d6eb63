/** Bounds on a JSON text, checked before anything is built from it. */
export const jsonLimits = { depth: 64, items: 10_000 } as const;

const code = (char: string) => char.charCodeAt(0);
const [quote, backslash, comma, colon] = [code('"'), code("\\"), code(","), code(":")];
const [openArray, closeArray, openObject, closeObject] = [code("["), code("]"), code("{"), code("}")];

const tooMany = `JSON has more than ${jsonLimits.items} keys and elements`;

/**
 * Why a JSON text is refused before it is parsed; empty where it is not. One pass over the text, without recursion.
 * Nesting, keys and elements are bounded; a repeated key is refused, because readers disagree on which one counts, and
 * so is `__proto__`. It does not check the syntax: `JSON.parse` does.
 */
export function jsonRefusal(text: string): string {
  /** The keys of each open object; `undefined` for an array. */
  const open: (Set<string> | undefined)[] = [];
  let items = 0;
  // In JSON a key comes after a brace or a comma, and is counted with that; in what is none yet it need not.
  let keys = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case openArray:
      case openObject:
        if (open.length === jsonLimits.depth) return `JSON nests deeper than ${jsonLimits.depth}`;
        open.push(text.charCodeAt(at) === openObject ? new Set() : undefined);
        items++;
        break;
      case closeArray:
      case closeObject:
        open.pop();
        break;
      case comma:
        items++;
        break;
      case quote: {
        const end = endOfString(text, at);
        const known = open.at(-1);
        if (known && isKey(text, end)) {
          if (++keys > jsonLimits.items) return tooMany;
          const key = keyOf(text.slice(at, end));
          if (key === "__proto__") return "JSON has a key __proto__";
          if (known.has(key)) return "JSON repeats a key";
          known.add(key);
        }
        at = end - 1;
        break;
      }
      default:
    }
    if (items > jsonLimits.items) return tooMany;
  }
  return "";
}

/** The offset after the closing quote, or the end of the text. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === backslash) at++;
    else if (char === quote) return at + 1;
  }
  return text.length;
}

function isKey(text: string, end: number): boolean {
  let at = end;
  while (at < text.length && " \t\n\r".includes(text.charAt(at))) at++;
  return text.charCodeAt(at) === colon;
}

/** Two spellings of one key, such as `a` and `\u0061`, are the same key. */
function keyOf(literal: string): string {
  try {
    return JSON.parse(literal);
  } catch {
    return literal;
  }
}
