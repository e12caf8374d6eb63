import { isMap, isScalar, isSeq, type Node, type Pair, type Scalar, type YAMLMap } from "yaml";
import { didYouMean } from "./didYouMean.ts";
import { policyKeys } from "./policySpec.ts";
import type { Report } from "./problems.ts";

export type YamlNode = Node | null | undefined;
type MapName = keyof typeof policyKeys;

/** The entries of a map by key; `offset` is where a missing key is missed. */
export type Entries = { readonly offset: number; readonly get: (key: string) => YamlNode };

const startOf = (node: unknown): number => (node as Node | undefined)?.range?.[0] ?? 0;

/** Where a node stands in the file. */
export const offsetOf = (node: YamlNode): number => (node ? startOf(node) : 0);

/** Reads a map whose keys are among `policyKeys[name]`; reports any other key, and answers `undefined` for no map. */
export function readMap(node: YamlNode, name: MapName, report: Report): Entries | undefined {
  if (!isMap(node)) {
    report(offsetOf(node), name === "policy" ? "a policy is a map of keys" : `${name} is a map of keys`);
    return undefined;
  }
  const entries = new Map<string, YamlNode>();
  for (const pair of (node as YAMLMap).items as Pair[]) {
    const key = isScalar(pair.key) && typeof pair.key.value === "string" ? pair.key.value : undefined;
    if (key === undefined) report(startOf(pair.key), "a key is a word");
    else if (!(policyKeys[name] as readonly string[]).includes(key))
      report(startOf(pair.key), `unknown key "${key}"`, didYouMean(key, policyKeys[name]));
    else if (pair.value === null || (isScalar(pair.value) && pair.value.value === null))
      report(startOf(pair.key), `${pathOf(name, key)} has no value`);
    else entries.set(key, pair.value as Node);
  }
  return { offset: startOf(node), get: (key) => entries.get(key) };
}

const pathOf = (name: MapName, key: string): string => (name === "policy" ? key : `${name}.${key}`);

/** Reads a map of one kind below another; `undefined` where it is left out. */
export function optionalMap(
  parent: Entries | undefined,
  key: string,
  name: MapName,
  report: Report,
): Entries | undefined {
  const node = parent?.get(key);
  return node ? readMap(node, name, report) : undefined;
}

/** Reads a key that has to be there. */
export function required(entries: Entries, key: string, hint: string, report: Report): YamlNode {
  const node = entries.get(key);
  if (node === undefined) report(entries.offset, `${key} is missing`, hint);
  return node;
}

/** Reads a text scalar. A number or a truth value is reported: YAML changes what looks like one. */
export function readText(node: YamlNode, path: string, report: Report): string | undefined {
  if (isScalar(node) && typeof node.value === "string") return node.value;
  const hint = isScalar(node) ? "put it in quotes" : "";
  report(offsetOf(node), `${path} is a text`, hint);
  return undefined;
}

/** Reads a list of texts that holds at least one. */
export function readTexts(node: YamlNode, path: string, report: Report): readonly Scalar<string>[] | undefined {
  if (!isSeq(node)) {
    report(offsetOf(node), `${path} is a list`, "write [a, b]");
    return undefined;
  }
  if (node.items.length === 0) {
    report(offsetOf(node), `${path} is empty: nothing would match`, "leave it out to match everything");
    return undefined;
  }
  return node.items.filter((item): item is Scalar<string> => {
    return readText(item as Node, `an entry of ${path}`, report) !== undefined;
  });
}
