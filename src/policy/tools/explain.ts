import { createCompiler, type Expression } from "../expression.ts";
import { toFacts } from "../facts.ts";
import type { FactsJson } from "../factsJson.ts";
import { compileSchema } from "../outputSchema.ts";
import type { Program } from "../program.ts";
import { roles } from "../roles.ts";

/**
 * Shows how a policy comes to what it says of a response: every fact that it has, and each part of its expressions with
 * its value.
 *
 * @throws TypeError where the facts were not kept whole.
 */
export function explain(program: Program, given: FactsJson): string {
  const facts = withSchema(program, given);
  const lines = ["facts:", ...factLines(facts)];
  const compile = createCompiler();
  for (const part of ["eligible", "score", "key"] as const) {
    const source = program[part];
    if (source === undefined) continue;
    const compiled = compile(source, roles[part]);
    if (compiled.ok) lines.push("", `${part}:`, ...traceLines(compiled.expression, facts));
  }
  return `${lines.join("\n")}\n`;
}

function withSchema({ schema }: Program, facts: FactsJson): FactsJson {
  if (!schema || !facts.output.valid) return facts;
  const refusal = compileSchema(schema)(facts.output.json);
  if (!refusal) return facts;
  const error = `the output does not match ${schema.path} at ${refusal}`;
  return { ...facts, output: { ...facts.output, valid: false, error } };
}

function factLines(facts: FactsJson): readonly string[] {
  return Object.entries(facts).flatMap(([name, value]) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return [`  ${name} = ${short(value)}`];
    return Object.entries(value).map(([field, each]) => `  ${name}.${field} = ${short(each)}`);
  });
}

const short = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 160 ? `${text.slice(0, 159)}…` : text;
};

const traceLines = (expression: Expression, facts: FactsJson): readonly string[] =>
  expression.trace(toFacts(facts)).map(({ depth, text, value }) => `  ${"  ".repeat(depth)}${text}  →  ${value}`);
