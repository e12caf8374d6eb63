import {
  type ASTNode,
  type Environment,
  EvaluationError,
  type ParseError,
  type ParseResult,
} from "@marcbachmann/cel-js";
import { didYouMean } from "./didYouMean.ts";
import { callProblems, type ExpressionProblem, typeProblems } from "./expressionRules.ts";
import { conjunctsOf, mentions, typeOf } from "./expressionTree.ts";
import type { Facts } from "./facts.ts";
import { createEnvironment, factTypes, factVariables } from "./factTypes.ts";

/** What came of evaluating an expression. Anything but `true` pays nobody. */
export type Evaluation =
  | { readonly kind: "true" }
  /** `conjunct` is the first operand of the top-level `&&` that is false, as it is written. */
  | { readonly kind: "false"; readonly conjunct: string }
  /** `facts` are those that the failing part touches, as `output` and `output.json`; `message` holds no payload. */
  | { readonly kind: "error"; readonly message: string; readonly facts: ReadonlySet<string> };

/** A checked boolean expression over the facts of a response. */
export type Expression = {
  readonly mentions: ReadonlySet<string>;
  /** Never throws. */
  readonly evaluate: (facts: Facts) => Evaluation;
};

export type Compiled =
  | { readonly ok: true; readonly expression: Expression }
  | { readonly ok: false; readonly problems: readonly ExpressionProblem[] };

const maxLength = 16_384;

/**
 * Creates the compiler of `eligible` expressions: CEL, behind an interface of our own.
 *
 * @example
 * const compile = createCompiler();
 * const compiled = compile('output.valid && response.payment <= ogpu("0.05")');
 */
export function createCompiler(): (source: string) => Compiled {
  const environment = createEnvironment();
  return (source) => compile(source, environment);
}

function compile(source: string, environment: Environment): Compiled {
  if (source.length > maxLength) return failed([at(0, `an expression has at most ${maxLength} characters`)]);
  let parsed: ParseResult;
  try {
    parsed = environment.parse(source);
  } catch (error) {
    return failed([parseProblem(error)]);
  }
  const calls = callProblems(parsed.ast);
  if (calls.length > 0) return failed(calls);
  const checked = parsed.check();
  if (!checked.valid) return failed([checkProblem(checked.error)]);
  const types = typeProblems(parsed.ast, environment);
  if (types.length > 0) return failed(types);
  if (checked.type !== "bool") {
    const hint = checked.type === "dyn" ? "compare it, as in output.json.ok == true" : "";
    return failed([at(0, `eligible is a condition, and this is of type ${checked.type}`, hint)]);
  }
  return { ok: true, expression: createExpression(source, parsed, environment) };
}

function createExpression(source: string, whole: ParseResult, environment: Environment): Expression {
  const conjuncts = conjunctsOf(whole.ast).map((node) => {
    const text = textOf(node, source, environment);
    const shown = oneLine(node.op === "||" || node.op === "?:" ? `(${text})` : text);
    return { shown, run: environment.parse(text), mentions: mentions(node) };
  });
  const found = (facts: Facts, wanted: false | "error"): Evaluation | undefined => {
    for (const { shown, run, mentions: touched } of conjuncts) {
      const result = attempt(run, facts);
      if (wanted === false && result.value === false) return { kind: "false", conjunct: shown };
      if (wanted === "error" && result.error !== undefined) return failure(result.error, shown, touched);
    }
    return undefined;
  };
  const evaluate = (facts: Facts): Evaluation => {
    const result = attempt(whole, facts);
    if (result.value === true) return { kind: "true" };
    if (result.value === false) return found(facts, false) ?? { kind: "false", conjunct: oneLine(source) };
    return found(facts, "error") ?? failure(result.error, oneLine(source), mentions(whole.ast));
  };
  return { mentions: mentions(whole.ast), evaluate };
}

function attempt(run: ParseResult, facts: Facts): { readonly value?: unknown; readonly error?: unknown } {
  try {
    const value: unknown = run(facts);
    return typeof value === "boolean" ? { value } : { error: new Error("not a truth value") };
  } catch (error) {
    return { error: error ?? new Error("unknown") };
  }
}

/** Messages that the engine builds from names and types only; any other may quote the stranger's document. */
const quotable: ReadonlySet<string> = new Set(["no_such_overload", "no_matching_overload", "invalid_logical_operand"]);

function failure(error: unknown, text: string, touched: ReadonlySet<string>): Evaluation {
  if (!(error instanceof EvaluationError)) return { kind: "error", message: `in ${text}`, facts: new Set() };
  const { code, summary, node } = error;
  const named = node?.op === "." && code === "no_such_key";
  const what = named || quotable.has(code) ? summary.replace(/^No such key/, "no such key") : code.replaceAll("_", " ");
  const own = node ? mentions(node) : touched;
  const known = [...own].some((name) => name in factVariables);
  return { kind: "error", message: `${what}, in ${text}`, facts: known ? own : touched };
}

/** The node's text as it is written. Ranges leave out outer parentheses: they are taken in until the text stands alone. */
function textOf(node: ASTNode, source: string, environment: Environment): string {
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

const oneLine = (text: string): string => {
  const line = text.trim().replace(/\s+/g, " ");
  return line.length > 200 ? `${line.slice(0, 199)}…` : line;
};

function parseProblem(error: unknown): ExpressionProblem {
  const { code, summary, range } = error as ParseError;
  if (code === "limit_exceeded") return at(range?.start ?? 0, `the expression is too large: ${summary}`);
  if (summary === undefined) return at(0, "the expression is too large or too deep");
  return at(range?.start ?? 0, `syntax: ${summary}`);
}

function checkProblem(error: unknown): ExpressionProblem {
  const { code, summary, range, node } = error as ParseError & { readonly node?: ASTNode };
  const offset = range?.start ?? 0;
  const name = /: (\S+)$/.exec(summary ?? "")?.[1] ?? "";
  if (code === "unknown_variable")
    return at(offset, `unknown fact ${name}`, didYouMean(name, Object.keys(factVariables)));
  if (code === "no_such_key" && (node?.op === "." || node?.op === "[]")) {
    const owner = typeOf(node.args[0]);
    const fields = owner in factTypes ? Object.keys(factTypes[owner as keyof typeof factTypes]) : [];
    return at(offset, `${owner.toLowerCase()} has no field ${name}`, didYouMean(name, fields));
  }
  const hint = /Wei/.test(summary ?? "") ? 'an amount compares with an amount: ogpu("0.05")' : "";
  return at(offset, summary ?? "the expression does not fit its facts", hint);
}

const at = (offset: number, message: string, hint = ""): ExpressionProblem => ({ offset, message, hint });
const failed = (problems: readonly ExpressionProblem[]): Compiled => ({ ok: false, problems });
