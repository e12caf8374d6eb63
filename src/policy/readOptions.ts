import { isAlias, isMap, isScalar, isSeq, type Node, type Pair, type Scalar } from "yaml";
import type { Report } from "./problems.ts";
import { offsetOf, type YamlNode } from "./yamlReader.ts";

/**
 * Reads any value as JSON, exactly as it is written: what JSON cannot say, or says otherwise, is reported where it stands.
 *
 * @param path What it is called in messages.
 */
export function readOptions(node: YamlNode, path: string, report: Report): unknown {
  if (isMap(node)) {
    return Object.fromEntries(
      (node.items as Pair[]).map(({ key, value }) => {
        const name = isScalar(key) && typeof key.value === "string" ? key.value : undefined;
        if (name === undefined) report(offsetOf(key as YamlNode), `a key of ${path} is a text`, "put it in quotes");
        return [name, readOptions(value as YamlNode, `${path}.${name}`, report)];
      }),
    );
  }
  if (isSeq(node)) return node.items.map((item, index) => readOptions(item as Node, `${path}[${index}]`, report));
  if (isScalar(node)) return readScalar(node, path, report);
  if (isAlias(node)) report(offsetOf(node), `${path} is an alias (*${node.source})`, "write it out");
  return null;
}

function readScalar(node: Scalar, path: string, report: Report): unknown {
  const { value, source = "" } = node;
  if (typeof value !== "number" || isExact(value, source)) return value;
  report(offsetOf(node), `${path} is ${source}, which would be read as ${value}`, "put it in quotes");
  return null;
}

/** Whether a number keeps each digit that is written. */
function isExact(value: number, source: string): boolean {
  if (!Number.isFinite(value)) return false;
  return /^0[xo]/.test(source) ? Number.isSafeInteger(value) : digitsOf(source) === digitsOf(String(value));
}

/** Those that count: without sign, point, exponent, and zeros at either end. */
const digitsOf = (number: string): string =>
  number
    .replace(/e.*$/i, "")
    .replace(/[-+.]/g, "")
    .replace(/^0+|0+$/g, "");
