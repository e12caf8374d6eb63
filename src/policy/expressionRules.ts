import type { ASTNode, Environment } from "@marcbachmann/cel-js";
import { didYouMean } from "./didYouMean.ts";
import { childrenOf, descendants, loops, typeOf } from "./expressionTree.ts";
import { factVariables } from "./factTypes.ts";
import { isMatch } from "./ownFunctions.ts";
import { compilePattern } from "./re2.ts";

/** A problem at an offset into the expression. */
export type ExpressionProblem = { readonly offset: number; readonly message: string; readonly hint: string };

/** What expressions may call. The engine has more: each function joins this list when its behaviour is tested. */
const functions = ["ogpu", "wei", "address", "duration", "has", "size", "int", "double", "string"];
const methods = [
  ...loops,
  ...["size", "startsWith", "endsWith", "contains", "matches", "lowerAscii", "upperAscii", "trim", "percent"],
];
const literalReaders: ReadonlySet<string> = new Set(["ogpu", "wei", "address", "duration"]);
const maxInt = 2n ** 63n - 1n;
/** Two loops over a thousand items are a million steps; a third one is no condition any more. */
const maxLoopDepth = 2;

/** Rules that need no types: what may be called, and how deep loops go. */
export function callProblems(root: ASTNode): readonly ExpressionProblem[] {
  return [...descendants(root)].flatMap((node) => {
    if (node.op === "call") return callProblem(node, node.args[0], functions);
    if (node.op === "rcall") {
      return [...callProblem(node, node.args[0], methods), ...loopProblems(node, root), ...patternProblems(node)];
    }
    if (node.op === "value") return valueProblems(node);
    return node.op === "map" ? keyProblems(node) : [];
  });
}

function valueProblems(node: ASTNode & { readonly op: "value" }): readonly ExpressionProblem[] {
  const { args } = node;
  if (typeof args === "bigint" && args > maxInt) {
    return [problem(node, "an integer ends at 9223372036854775807", 'write an amount as ogpu("10")')];
  }
  if (typeof args !== "object" || args === null) return [];
  return args instanceof Uint8Array
    ? [problem(node, "bytes are not supported", "write a text, without the b")]
    : [problem(node, "unsigned integers are not supported", "write it without the u")];
}

/** The engine takes the last of equal keys, and `null` for one; CEL takes neither. */
function keyProblems(node: ASTNode & { readonly op: "map" }): readonly ExpressionProblem[] {
  const seen = new Set<unknown>();
  return node.args.flatMap(([key]) => {
    if (key.op !== "value") return [];
    if (key.args === null) return [problem(key, "null is no key")];
    if (seen.has(key.args)) return [problem(key, "the key is written twice")];
    seen.add(key.args);
    return [];
  });
}

function callProblem(node: ASTNode, name: string, known: readonly string[]): readonly ExpressionProblem[] {
  if (known.includes(name)) return [];
  if (name === "matches") return [problem(node, "matches is a method", 'write output.text.matches("…")')];
  return [problem(node, `unknown function ${name}`, didYouMean(name, known))];
}

function loopProblems(node: ASTNode & { readonly op: "rcall" }, root: ASTNode): readonly ExpressionProblem[] {
  const [name, , args] = node.args;
  if (!loops.has(name)) return [];
  const variable = args[0];
  const shadows = variable?.op === "id" && variable.args in factVariables;
  const tooDeep = loopDepth(root, node) > maxLoopDepth;
  return [
    ...(shadows ? [problem(variable, `${variable.args} is a fact`, "give the loop another variable")] : []),
    ...(tooDeep ? [problem(node, `at most ${maxLoopDepth} loops may stand inside one another`)] : []),
  ];
}

/** Loops around `target` and itself; 0 where it does not stand in `node`. */
function loopDepth(node: ASTNode, target: ASTNode): number {
  const own = node.op === "rcall" && loops.has(node.args[0]) ? 1 : 0;
  if (node === target) return own;
  const below = Math.max(0, ...childrenOf(node).map((child) => loopDepth(child, target)));
  return below === 0 ? 0 : below + own;
}

function patternProblems(node: ASTNode & { readonly op: "rcall" }): readonly ExpressionProblem[] {
  if (!isMatch(node)) return [];
  const pattern = node.args[2][0];
  if (pattern?.op !== "value" || typeof pattern.args !== "string") {
    return [problem(pattern ?? node, "a pattern is a text in quotes, so that it can be checked")];
  }
  try {
    compilePattern(pattern.args);
    return [];
  } catch (error) {
    return [problem(pattern, (error as Error).message)];
  }
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

const literalHints: Readonly<Record<string, string>> = {
  ogpu: 'write ogpu("0.05")',
  wei: 'write wei("1")',
  duration: 'write duration("10m")',
};

function literalProblems(node: ASTNode & { readonly op: "call" }, environment: Environment) {
  const argument = node.args[1][0];
  if (argument?.op !== "value") {
    if (node.args[0] !== "duration") return [];
    return [problem(argument ?? node, "a duration is written in quotes", literalHints.duration)];
  }
  try {
    if (node.args[0] === "duration" && !isSane(argument.args)) throw new RangeError("too long");
    environment.evaluate(node.input.slice(node.start, node.end));
    return [];
  } catch {
    const [name] = node.args;
    if (name === "address") return [problem(argument, "not an address, or its checksum is wrong")];
    const what = name === "duration" ? "a number with its unit, in quotes" : "a number in quotes";
    return [problem(argument, `${name}() reads ${what}`, literalHints[name])];
  }
}

/** Beyond a hundred years or so the engine does not mind what CEL does. */
const isSane = (text: unknown): boolean => typeof text === "string" && !/\d{10,}/.test(text);

const comparisons: ReadonlySet<string> = new Set(["==", "!=", "<", "<=", ">", ">=", "in", "+", "-"]);

/** Amounts and addresses meet their own kind only: against anything else `!=` would be true, whatever the payload says. */
function operandProblems(node: ASTNode, environment: Environment): readonly ExpressionProblem[] {
  if (!comparisons.has(node.op)) return [];
  const [left, right] = childrenOf(node);
  if (!left || !right) return [];
  const [leftType, rightType] = [typeOf(left), typeOf(right)];
  if (/Duration/.test(leftType) && /Duration/.test(rightType) && /^[+-]$/.test(node.op)) {
    return [problem(node, "durations are not added to one another", "write one duration")];
  }
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
