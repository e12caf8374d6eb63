/** One exported name of a declaration file, with its docstring. */
export type Declaration = {
  readonly name: string;
  readonly kind: "function" | "type" | "class" | "value";
  /** Markdown, without tags. */
  readonly text: string;
  /** `@throws`, `@param`, `@returns`, `@default`, each with what it says. */
  readonly tags: readonly (readonly [tag: string, text: string])[];
  readonly example: string;
  /** As TypeScript writes it, without `export declare`. */
  readonly signature: string;
};

const start = /(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*)?export (?:declare )?(function|const|class|type) (\w+)/g;

/** Reads the exported names of a declaration file, as the compiler writes it, in order. */
export function readDeclarations(source: string): readonly Declaration[] {
  return [...source.matchAll(start)].map((match) => {
    const [whole, comment = "", keyword = "", name = ""] = match;
    const from = match.index + whole.length - `${keyword} ${name}`.length;
    const text = source.slice(from, endOf(source, from)).trim();
    const isFunction = keyword === "function" || (keyword === "const" && /^const \w+: \(/.test(text));
    const kind = keyword === "class" || keyword === "type" ? keyword : isFunction ? "function" : "value";
    return { name, kind, signature: text, ...readComment(comment) };
  });
}

const opening = "({[";
const closing = ")}]";

/** Where a declaration ends: at a semicolon, or a class's brace, that nothing encloses. */
function endOf(source: string, from: number): number {
  const isClass = source.startsWith("class", from);
  let depth = 0;
  for (let at = from; at < source.length; at++) {
    const letter = source[at] as string;
    if (source.startsWith("/*", at)) at = source.indexOf("*/", at) + 1;
    else if (opening.includes(letter)) depth++;
    else if (closing.includes(letter)) {
      depth--;
      if (isClass && depth === 0 && letter === "}") return at + 1;
    } else if (letter === ";" && depth === 0) return at + 1;
  }
  return source.length;
}

function readComment(comment: string): Pick<Declaration, "text" | "tags" | "example"> {
  const lines = comment.split("\n").map((line) => line.replace(/^\s*\* ?/, "").trimEnd());
  const [text = "", ...tagged] = lines.join("\n").split(/(?:^|\s)@(?=(?:throws|param|returns|default|example)\b)/);
  const tags = tagged.map((tag): [string, string] => {
    const [, name = "", said = ""] = /^(\w+)\s*([\s\S]*)$/.exec(tag) ?? [];
    return [name, said.trim()];
  });
  return {
    text: text.trim(),
    tags: tags.filter(([name]) => name !== "example").map(([name, said]) => [name, said.replace(/\s*\n\s*/g, " ")]),
    example: tags.find(([name]) => name === "example")?.[1] ?? "",
  };
}
