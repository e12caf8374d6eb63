import type { ASTNode, Environment } from "@marcbachmann/cel-js";

/** The node's text as it is written. Ranges leave out outer parentheses: they are taken in until the text stands alone. */
export function textOf(node: ASTNode, source: string, environment: Environment): string {
  let { start, end } = node;
  for (;;) {
    const text = source.slice(start, end);
    if (parses(text, environment)) return text;
    const left = /\(\s*$/.exec(source.slice(0, start));
    const right = /^\s*\)/.exec(source.slice(end));
    const opens = text.split("(").length;
    const closes = text.split(")").length;
    if (left && (closes > opens || !right)) start = left.index;
    else if (right) end += right[0].length;
    else return source;
  }
}

function parses(text: string, environment: Environment): boolean {
  try {
    environment.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** A piece of an expression as a reason quotes it: one line, 200 characters at the most. */
export const oneLine = (text: string): string => {
  const line = text.trim().replace(/\s+/g, " ");
  return line.length > 200 ? `${line.slice(0, 199)}…` : line;
};
