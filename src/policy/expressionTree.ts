import type { ASTNode } from "@marcbachmann/cel-js";

/** Methods that run their last arguments once for each item of a list. */
export const loops: ReadonlySet<string> = new Set(["all", "exists", "exists_one", "map", "filter"]);

/** The sub-expressions of a node, in source order. */
export function childrenOf(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case "value":
    case "id":
      return [];
    case ".":
    case ".?":
      return [node.args[0]];
    case "call":
      return node.args[1];
    case "rcall":
      return [node.args[1], ...node.args[2]];
    case "map":
      return node.args.flat();
    case "!_":
    case "-_":
      return [node.args];
    default:
      return node.args;
  }
}

export function* descendants(node: ASTNode): Generator<ASTNode> {
  yield node;
  for (const child of childrenOf(node)) yield* descendants(child);
}

/** The name of the type that the checker gave a node; `dyn` before it ran. */
export const typeOf = (node: ASTNode): string =>
  (node as ASTNode & { readonly checkedType?: { readonly name: string } }).checkedType?.name ?? "dyn";

/** The operands of the top-level `&&`, in order; one for an expression without it. */
export const conjunctsOf = (node: ASTNode): readonly ASTNode[] =>
  node.op === "&&" ? node.args.flatMap(conjunctsOf) : [node];

/**
 * The facts that an expression touches, as `output` and `output.json`: the variable, and its field where it is named.
 */
export function mentions(node: ASTNode): ReadonlySet<string> {
  const found = new Set<string>();
  for (const each of descendants(node)) {
    if (each.op === "id") found.add(each.args);
    const [left, right] = each.op === "." || each.op === "[]" ? each.args : [];
    if (left?.op !== "id" || right === undefined) continue;
    if (typeof right === "string") found.add(`${left.args}.${right}`);
    else if (right.op === "value") found.add(`${left.args}.${right.args}`);
  }
  return found;
}
