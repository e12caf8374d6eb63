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

/** Facts that have parts with names. */
const records: ReadonlySet<string> = new Set(["response", "task", "source", "output", "provider"]);

/**
 * The facts that an expression touches, as `output` and `output.json`: the variable, and its field where it is named. Where the
 * variable stands for itself, as in `[output]` or `output[name]`, any field may be meant: `output.*`.
 */
export function mentions(node: ASTNode): ReadonlySet<string> {
  const found = new Set<string>();
  const named = new Set<ASTNode>();
  for (const each of descendants(node)) {
    const [left, right] = each.op === "." || each.op === "[]" ? each.args : [];
    if (left?.op === "id" && right !== undefined) {
      const field = typeof right === "string" ? right : right.op === "value" ? right.args : undefined;
      if (field !== undefined) {
        found.add(`${left.args}.${field}`);
        named.add(left);
      }
    }
    if (each.op !== "id") continue;
    found.add(each.args);
    if (records.has(each.args) && !named.has(each)) found.add(`${each.args}.*`);
  }
  return found;
}

/** As `mentions`, of a part of an expression: where it names the variable of a loop around it, what the loop goes over as well. */
export function mentionsOf(part: ASTNode, whole: ASTNode): ReadonlySet<string> {
  const found = new Set(mentions(part));
  for (const [, range, [variable]] of loopsAround(part, whole)) {
    if (variable?.op === "id" && found.has(variable.args)) for (const each of mentions(range)) found.add(each);
  }
  return found;
}

type Loop = (ASTNode & { readonly op: "rcall" })["args"];

/** The innermost first. */
function loopsAround(part: ASTNode, whole: ASTNode): readonly Loop[] {
  for (const child of childrenOf(whole)) {
    if (!isWithin(part, child)) continue;
    const isLoop = whole.op === "rcall" && loops.has(whole.args[0]) && child !== whole.args[1];
    return [...loopsAround(part, child), ...(isLoop ? [whole.args] : [])];
  }
  return [];
}

const isWithin = (part: ASTNode, whole: ASTNode): boolean => [...descendants(whole)].includes(part);

/** Whether an expression with these mentions may read a fact, such as `output.json`. */
export const mayRead = (mentioned: ReadonlySet<string>, fact: string): boolean =>
  mentioned.has(fact) || mentioned.has(`${fact.split(".")[0]}.*`);
