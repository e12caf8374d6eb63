const isBlank = (char: string | undefined) => char === " " || char === "\t" || char === "\n" || char === "\r";

/**
 * Maps each character of a YAML scalar's value to its offset in the file, by walking both side by side.
 * Folding turns line breaks and indentation into one space, and a quoted scalar has escapes: plain and block scalars
 * map exactly, an escape of more than two characters to about its place.
 *
 * @param text The file.
 * @param start Offset of the scalar: its first character, its opening quote, or the `|` or `>` of a block.
 * @param value What YAML reads there.
 */
export function scalarOffsets(text: string, start: number, value: string): (index: number) => number {
  const opening = text[start] ?? "";
  const quoted = opening === '"' || opening === "'";
  const block = opening === "|" || opening === ">";
  let at = block ? text.indexOf("\n", start) + 1 : start + (quoted ? 1 : 0);
  const offsets: number[] = [];
  for (const char of value.split("")) {
    if (isBlank(char)) {
      offsets.push(at);
      if (text[at] === char) at++;
      if (char === "\n" || text[at - 1] !== char) while (isBlank(text[at]) && text[at] !== char) at++;
    } else {
      while (isBlank(text[at])) at++;
      offsets.push(at);
      const escaped =
        (opening === '"' && text[at] === "\\") || (opening === "'" && text[at] === "'" && text[at + 1] === "'");
      at += escaped ? 2 : 1;
    }
  }
  return (index) => offsets[index] ?? at;
}
