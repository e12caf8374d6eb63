import type { ASTNode, Environment } from "@marcbachmann/cel-js";
import { didYouMean } from "./didYouMean.ts";
import { childrenOf, descendants, loops, typeOf } from "./expressionTree.ts";
import { factVariables } from "./factTypes.ts";

/** A problem at an offset into the expression. */
export type ExpressionProblem = { readonly offset: number; readonly message: string; readonly hint: string };

/** What expressions may call. The engine has more: each function joins this list when its behaviour is tested. */
const functions = ["ogpu", "wei", "address", "has", "size", "int", "double", "string"];
const methods = [
  ...loops,
  ...["size", "startsWith", "endsWith", "contains", "lowerAscii", "upperAscii", "trim", "percent"],
];
const literalReaders: ReadonlySet<string> = new Set(["ogpu", "wei", "address"]);
const maxInt = 2n ** 63n - 1n;

/** Rules that need no types: what may be called, and how deep loops go. */
export function callProblems(root: ASTNode): readonly ExpressionProblem[] {
  return [...descendants(root)].flatMap((node) => {
    if (node.op === "call") return callProblem(node, node.args[0], functions);
    if (node.op === "rcall") return [...callProblem(node, node.args[0], methods), ...loopProblems(node)];
    if (node.op === "value" && typeof node.args === "bigint" && node.args > maxInt) {
      return [problem(node, "an integer ends at 9223372036854775807", 'write an amount as ogpu("10")')];
    }
    return [];
  });
}

function callProblem(node: ASTNode, name: string, known: readonly string[]): readonly ExpressionProblem[] {
  if (known.includes(name)) return [];
  if (name === "matches") {
    const message = "matches is not supported yet: a pattern can hang the daemon";
    return [problem(node, message, "use startsWith, endsWith, contains or in")];
  }
  return [problem(node, `unknown function ${name}`, didYouMean(name, known))];
}

function loopProblems(node: ASTNode & { readonly op: "rcall" }): readonly ExpressionProblem[] {
  const [name, , args] = node.args;
  if (!loops.has(name)) return [];
  const variable = args[0];
  const shadows = variable?.op === "id" && variable.args in factVariables;
  const nested = args
    .flatMap((arg) => [...descendants(arg)])
    .find((each) => each.op === "rcall" && loops.has(each.args[0]));
  return [
    ...(shadows ? [problem(variable, `${variable.args} is a fact`, "give the loop another variable")] : []),
    ...(nested ? [problem(nested, "a loop inside a loop is not supported yet: it can hang the daemon")] : []),
  ];
}

/** Rules that the engine's own type check leaves open. Call it after that check. */
export function typeProblems(root: ASTNode, environment: Environment): readonly ExpressionProblem[] {
  return [...descendants(root)].flatMap((node) => {
    if (node.op === "call" && node.args[0] === "has") return hasProblems(node, environment);
    if (node.op === "call" && literalReaders.has(node.args[0])) return literalProblems(node, environment);
    return operandProblems(node, environment);
  });
}

/** The engine answers `false` for `has(output.jsn)`, though no output can ever have that field. */
function hasProblems(node: ASTNode & { readonly op: "call" }, environment: Environment): readonly ExpressionProblem[] {
  const argument = node.args[1][0];
  if (!argument) return [];
  const root = [...descendants(argument)].at(-1);
  if (root?.op !== "id" || !(root.args in factVariables)) return [];
  const check = environment.check(node.input.slice(argument.start, argument.end));
  return check.valid ? [] : [problem(argument, check.error?.summary ?? "unknown field")];
}

function literalProblems(node: ASTNode & { readonly op: "call" }, environment: Environment) {
  const argument = node.args[1][0];
  if (argument?.op !== "value") return [];
  try {
    environment.evaluate(node.input.slice(node.start, node.end));
    return [];
  } catch {
    const [name] = node.args;
    return name === "address"
      ? [problem(argument, "not an address, or its checksum is wrong")]
      : [
          problem(
            argument,
            `${name}() reads a number in quotes`,
            name === "wei" ? 'write wei("1")' : 'write ogpu("0.05")',
          ),
        ];
  }
}

const comparisons: ReadonlySet<string> = new Set(["==", "!=", "<", "<=", ">", ">=", "in", "+", "-"]);

/** Amounts and addresses meet their own kind only: against anything else `!=` would be true, whatever the payload says. */
function operandProblems(node: ASTNode, environment: Environment): readonly ExpressionProblem[] {
  if (!comparisons.has(node.op)) return [];
  const [left, right] = childrenOf(node);
  if (!left || !right) return [];
  const [leftType, rightType] = [typeOf(left), typeOf(right)];
  const loose = leftType.includes("dyn") ? left : rightType.includes("dyn") ? right : undefined;
  if (loose && /Wei/.test(leftType + rightType)) {
    return [problem(loose, "an amount compares with an amount only", 'write ogpu("0.05"), or ogpu(…) around a text')];
  }
  if (!/Address/.test(leftType + rightType)) return [];
  if (loose) return [problem(loose, "an address compares with an address only", "write address(…) around it")];
  const literals = [left, right].flatMap((side) => (side.op === "list" ? side.args : [side]));
  return literals.flatMap((literal) => {
    if (literal.op !== "value" || typeof literal.args !== "string") return [];
    const { valid } = probe(environment, literal.args);
    return valid ? [] : [problem(literal, "not an address, or its checksum is wrong")];
  });
}

function probe(environment: Environment, text: string): { readonly valid: boolean } {
  try {
    environment.evaluate(`address(${JSON.stringify(text)})`);
    return { valid: true };
  } catch {
    return { valid: false };
  }
}

const problem = (node: ASTNode, message: string, hint = ""): ExpressionProblem => ({
  offset: node.start,
  message,
  hint,
});
