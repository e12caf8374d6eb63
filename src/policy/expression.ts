import { type ASTNode, type Environment, EvaluationError, type ParseResult } from "@marcbachmann/cel-js";
import { isBounded } from "./boundedExpression.ts";
import { at, checkProblem, parseProblem } from "./expressionProblems.ts";
import { callProblems, type ExpressionProblem, typeProblems } from "./expressionRules.ts";
import { oneLine, textOf } from "./expressionText.ts";
import { type Trace, trace } from "./expressionTrace.ts";
import { conjunctsOf, mentions, mentionsOf } from "./expressionTree.ts";
import type { Facts } from "./facts.ts";
import { createEnvironment, factVariables } from "./factTypes.ts";
import { asWritten, withOwnFunctions } from "./ownFunctions.ts";

/** What came of evaluating a condition. Anything but `true` pays nobody. */
type Evaluation =
  | { readonly kind: "true" }
  /** `conjunct` is the first operand of the top-level `&&` that is false, as it is written. */
  | { readonly kind: "false"; readonly conjunct: string }
  | Failure;

/** `facts` are those that the failing part touches, as `output` and `output.json`; `message` holds no payload. */
export type Failure = { readonly kind: "error"; readonly message: string; readonly facts: ReadonlySet<string> };

/** A checked expression over the facts of a response. Nothing of it throws. */
export type Expression = {
  readonly mentions: ReadonlySet<string>;
  /** The operands of the top-level `&&`, as they are written. */
  readonly conjuncts: readonly string[];
  /** See `boundedExpression.ts`. */
  readonly isBounded: boolean;
  /** As a condition. */
  readonly evaluate: (facts: Facts) => Evaluation;
  /** Only the operands that do not touch `variable`: what is false without it is false with it. */
  readonly evaluateWithout: (variable: string, facts: Facts) => Evaluation;
  /** As a value of any type. */
  readonly value: (facts: Facts) => { readonly kind: "value"; readonly value: unknown } | Failure;
  /** Every sub-expression with its value. */
  readonly trace: (facts: Facts) => readonly Trace[];
};

type Compiled =
  | { readonly ok: true; readonly expression: Expression }
  | { readonly ok: false; readonly problems: readonly ExpressionProblem[] };

/** What an expression is for: its key in the file, and the types that it may have. */
export type Role = { readonly key: string; readonly is: string; readonly types: readonly string[] };

export const condition: Role = { key: "eligible", is: "a condition", types: ["bool"] };

export type Compiler = (source: string, role?: Role) => Compiled;

const maxLength = 16_384;

/**
 * Creates the compiler of a policy's expressions: CEL, behind an interface of our own.
 *
 * @example
 * const compile = createCompiler();
 * const compiled = compile('output.valid && response.payment <= ogpu("0.05")');
 */
export function createCompiler(): Compiler {
  const environment = createEnvironment();
  return (source, role = condition) => compile(source, role, environment);
}

function compile(source: string, role: Role, environment: Environment): Compiled {
  if (source.length > maxLength) return failed([at(0, `an expression has at most ${maxLength} characters`)]);
  let parsed: ParseResult;
  try {
    parsed = environment.parse(source);
    const calls = callProblems(parsed.ast);
    if (calls.length > 0) return failed(calls);
    const own = withOwnFunctions(source, parsed.ast);
    if (own === undefined) return failed([at(0, "a function could not be read here", "write it without a comment")]);
    parsed = environment.parse(own);
  } catch (error) {
    return failed([parseProblem(error)]);
  }
  const checked = parsed.check();
  if (!checked.valid) return failed([checkProblem(checked.error)]);
  const types = typeProblems(parsed.ast, environment);
  if (types.length > 0) return failed(types);
  if (!role.types.includes(checked.type ?? "")) {
    const hint = checked.type === "dyn" ? "compare it, as in output.json.ok == true" : "";
    return failed([at(0, `${role.key} is ${role.is}, and this is of type ${checked.type}`, hint)]);
  }
  return { ok: true, expression: createExpression(source, parsed, environment) };
}

function createExpression(source: string, whole: ParseResult, environment: Environment): Expression {
  const own = whole.ast.input;
  const conjuncts = conjunctsOf(whole.ast).map((node) => {
    const text = textOf(node, own, environment);
    const shown = oneLine(asWritten(node.op === "||" || node.op === "?:" ? `(${text})` : text));
    return { shown, run: environment.parse(text), mentions: mentions(node) };
  });
  const found = (facts: Facts, wanted: false | "error", but?: string): Evaluation | undefined => {
    for (const { shown, run, mentions: touched } of conjuncts) {
      if (but !== undefined && touched.has(but)) continue;
      const result = truth(attempt(run, facts));
      if (wanted === false && result.value === false) return { kind: "false", conjunct: shown };
      if (wanted === "error" && result.error !== undefined) return failure(result.error, shown, run.ast);
    }
    return undefined;
  };
  const touched = mentions(whole.ast);
  return {
    mentions: touched,
    conjuncts: conjuncts.map(({ shown }) => shown),
    isBounded: isBounded(whole.ast),
    evaluate: (facts) => {
      const result = truth(attempt(whole, facts));
      if (result.value === true) return { kind: "true" };
      if (result.value === false) return found(facts, false) ?? { kind: "false", conjunct: oneLine(source) };
      return found(facts, "error") ?? failure(result.error, oneLine(source), whole.ast);
    },
    evaluateWithout: (variable, facts) => found(facts, false, variable) ?? { kind: "true" },
    value: (facts) => {
      const result = attempt(whole, facts);
      return result.error === undefined
        ? { kind: "value", value: result.value }
        : failure(result.error, oneLine(source), whole.ast);
    },
    trace: (facts) => trace(whole.ast, environment, facts),
  };
}

type Attempt = { readonly value?: unknown; readonly error?: unknown };

const truth = (result: Attempt): Attempt =>
  result.error !== undefined || typeof result.value === "boolean" ? result : { error: new Error("not a truth value") };

function attempt(run: ParseResult, facts: Facts): Attempt {
  try {
    return { value: run(facts) };
  } catch (error) {
    return { error: error ?? new Error("unknown") };
  }
}

/** Messages that the engine builds from names and types only; any other may quote the stranger's document. */
const quotable: ReadonlySet<string> = new Set(["no_such_overload", "no_matching_overload", "invalid_logical_operand"]);

function failure(error: unknown, text: string, whole: ASTNode): Failure {
  if (!(error instanceof EvaluationError)) return { kind: "error", message: `in ${text}`, facts: new Set() };
  const { code, summary, node } = error;
  const named = node?.op === "." && code === "no_such_key";
  const what = named || quotable.has(code) ? summary.replace(/^No such key/, "no such key") : code.replaceAll("_", " ");
  const own = mentionsOf(node ?? whole, whole);
  const known = [...own].some((name) => name in factVariables);
  return { kind: "error", message: `${what}, in ${text}`, facts: known ? own : mentions(whole) };
}

const failed = (problems: readonly ExpressionProblem[]): Compiled => ({ ok: false, problems });
