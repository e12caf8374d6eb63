import type { ASTNode, ParseError } from "@marcbachmann/cel-js";
import { didYouMean } from "./didYouMean.ts";
import type { ExpressionProblem } from "./expressionRules.ts";
import { typeOf } from "./expressionTree.ts";
import { factTypes, factVariables } from "./factTypes.ts";

/** What the parser refuses. */
export function parseProblem(error: unknown): ExpressionProblem {
  const { code, summary, range } = error as ParseError;
  if (code === "limit_exceeded") return at(range?.start ?? 0, `the expression is too large: ${summary}`);
  if (summary === undefined) return at(0, "the expression is too large or too deep");
  return at(range?.start ?? 0, `syntax: ${summary}`);
}

/** What the type check refuses, with the name that was probably meant. */
export function checkProblem(error: unknown): ExpressionProblem {
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

/** A problem at an offset into the expression. */
export const at = (offset: number, message: string, hint = ""): ExpressionProblem => ({ offset, message, hint });
