import { type Document, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from "yaml";
import { quote } from "./format.ts";
import type { Entry, Issue, Layer } from "./layer.ts";
import { settings } from "./schema.ts";
import { unknownKey } from "./unknownKey.ts";

/**
 * Reads a YAML file's text into entries that remember their line and column. Where the YAML itself is wrong, that alone is told, and the
 * entries are what can be read all the same.
 * @param name the file as the operator knows it.
 */
export function yamlLayer(text: string, name: string): Layer {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    intAsBigInt: true,
    prettyErrors: false,
    // 0x… is an address to whoever writes it, so it stays text without quotes too.
    customTags: (tags) => tags.filter((tag) => typeof tag !== "object" || !("format" in tag) || tag.format !== "HEX"),
  });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  const faults = [...document.errors, ...document.warnings].map(
    (fault): Issue => ({ key: "YAML", origin: at(fault.pos[0]), problem: explain(fault) }),
  );
  const named = new Map(settings().map(({ key, setting }) => [key, setting]));
  const keys = [...named.keys()];
  const groups = [...new Set(keys.flatMap((key) => (key.includes(".") ? [key.slice(0, key.indexOf("."))] : [])))];
  const entries: Entry[] = [];
  const issues: Issue[] = [];
  const place = (node: unknown, otherwise: string): string => {
    const start = (node as Node | null)?.range?.[0];
    return start === undefined ? otherwise : at(start);
  };

  const walk = (pair: Pair, prefix: string): void => {
    const name = isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
    const key = `${prefix}${name}`;
    const keyOrigin = place(pair.key, at(0));
    const value = pair.value;
    if (keys.includes(key)) {
      const js = readNode(value as Node | null, document);
      if (js === null && named.get(key)?.default === null) return;
      if (js === null) issues.push({ key, origin: keyOrigin, problem: "has no value; give it one or remove the line" });
      else if (entries.some((entry) => entry.key === key))
        issues.push({ key, origin: keyOrigin, problem: "is given twice; remove one" });
      else if (js === undefined) issues.push({ key, origin: place(value, keyOrigin), problem: noAnchor });
      else {
        const origin = place(value, keyOrigin);
        const itemOrigins = isSeq(value) ? value.items.map((item) => place(item, origin)) : [];
        entries.push({ key, value: js, origin, itemOrigins });
      }
    } else if (groups.includes(key)) {
      if (isMap(value)) for (const inner of value.items) walk(inner, `${key}.`);
      else if (!isScalar(value) || value.value !== null)
        issues.push({
          key,
          origin: keyOrigin,
          problem: `holds keys of its own; write them below it, indented (${keysOf(key, keys)})`,
        });
    } else {
      issues.push({ key, origin: keyOrigin, problem: unknownKey(key, [...keys, ...groups]) });
    }
  };

  const root = document.contents;
  if (isMap(root)) for (const pair of root.items) walk(pair, "");
  else if (root !== null && !(isScalar(root) && root.value === null)) {
    const value = readNode(root, document);
    // A file of variables is one text to YAML: secrets may be in it.
    const found = typeof value === "string" ? "a text without keys" : quote(value);
    const problem = value === undefined ? noAnchor : `is ${found}; write keys and values`;
    issues.push({ key: "YAML", origin: at(0), problem });
  }
  return { entries, issues: faults.length > 0 ? faults : issues };
}

const noAnchor = "holds an alias (*…) of nothing; put text that begins with * in quotes";

/** What a node says; `undefined` where an alias in it leads nowhere. */
function readNode(node: Node | null, document: Document): unknown {
  try {
    return node?.toJS(document) ?? null;
  } catch {
    return undefined;
  }
}

const keysOf = (group: string, keys: readonly string[]): string =>
  keys
    .filter((key) => key.startsWith(`${group}.`))
    .map((key) => key.slice(group.length + 1))
    .join(", ");

/** YAML's own words, on one line and without the text that they quote: it may be a credential. */
function explain(fault: { readonly code: string; readonly message: string }): string {
  if (fault.code === "DUPLICATE_KEY") return "the same key is given twice; remove one";
  if (fault.code === "MULTIPLE_DOCS") return "holds more than one document; keep one";
  const message = fault.message.split("\n")[0]?.replace(/:\s.*$/, "") ?? fault.code;
  return `${message.charAt(0).toLowerCase()}${message.slice(1)}; correct the YAML here`;
}
