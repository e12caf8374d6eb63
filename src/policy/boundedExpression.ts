import type { ASTNode } from "@marcbachmann/cel-js";
import { childrenOf, descendants, typeOf } from "./expressionTree.ts";

/** A condition that people write has twenty. */
const mostNodes = 100;

const facts: ReadonlySet<string> = new Set(["response", "task", "source", "output", "provider", "now"]);
/** One of these on either side: a comparison then stops where the other side is a list or a map. */
const scalars: ReadonlySet<string> = new Set(["string", "int", "double", "bool", "null", "Wei", "Address"]);
/** What grows by addition is a text or a list, and none of these. */
const numbers: ReadonlySet<string> = new Set(["int", "double", "Wei"]);
/** Their argument is a literal, which was read when the file was. */
const literalReaders: ReadonlySet<string> = new Set(["ogpu", "wei", "address", "duration"]);
/** `i64` is our own name of `int`. */
const functions: ReadonlySet<string> = new Set(["has", "size", "int", "i64", "double"]);
const methods: ReadonlySet<string> = new Set(["size", "startsWith", "endsWith", "percent"]);

/**
 * Whether an expression's form bounds what it costs, whatever it is evaluated on: it has few nodes, none of them is
 * evaluated twice, and each takes time and memory that grow with its operands' size at the most. So there is no loop and no
 * pattern, no text that is searched for or put together, no list compared with a list. What is not listed here is not bounded.
 *
 * @param root Checked: its nodes have types.
 */
export function isBounded(root: ASTNode): boolean {
  let count = 0;
  for (const node of descendants(root)) if (++count > mostNodes || !isBoundedNode(node)) return false;
  return true;
}

/** By itself: its children are asked one by one. */
function isBoundedNode(node: ASTNode): boolean {
  switch (node.op) {
    case "value":
    case ".":
    case "&&":
    case "||":
    case "?:":
    case "!_":
      return true;
    case "id":
      return facts.has(node.args);
    case "[]":
      return node.args[1].op === "value";
    case "==":
    case "!=":
    case "<":
    case "<=":
    case ">":
    case ">=":
      return childrenOf(node).some((child) => scalars.has(typeOf(child)));
    case "in":
      return node.args[1].op === "list";
    case "list":
      return node.args.every(({ op }) => op === "value");
    case "-_":
    case "+":
    case "-":
    case "*":
    case "/":
    case "%":
      return numbers.has(typeOf(node));
    case "call": {
      const [name, given] = node.args;
      return functions.has(name) || (literalReaders.has(name) && given.every(({ op }) => op === "value"));
    }
    case "rcall":
      return methods.has(node.args[0]);
    default:
      return false;
  }
}
