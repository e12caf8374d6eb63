import { createAssessor, withSchema } from "../assessor.ts";
import { createCompiler, type Expression } from "../expression.ts";
import { toFacts } from "../facts.ts";
import type { FactsJson } from "../factsJson.ts";
import { compileSchema } from "../outputSchema.ts";
import type { Assessment, Program } from "../program.ts";
import { roles } from "../roles.ts";

/**
 * Shows how a policy comes to what it says of a response: what it says of it alone, every fact that it has, and each part of
 * its expressions with its value. As lines, in which a stranger's words stand as they are.
 *
 * @throws TypeError where the facts were not kept whole, or a plug-in cannot be loaded.
 */
export async function explain(program: Program, given: FactsJson): Promise<readonly string[]> {
  const assess = await createAssessor(program);
  const { schema } = program;
  const output = schema ? withSchema(given.output, schema.path, compileSchema(schema)) : given.output;
  const facts = { ...given, output };
  const lines = [`of this response alone: ${sayingOf(assess(given))}`, "", "facts:", ...factLines(facts)];
  const compile = createCompiler();
  for (const part of ["eligible", "score", "key"] as const) {
    const source = program[part];
    if (source === undefined) continue;
    const compiled = compile(source, roles[part]);
    if (compiled.ok) lines.push("", `${part}:`, ...traceLines(compiled.expression, facts));
  }
  return lines;
}

/** What is refused before any condition is evaluated has conditions that are true. */
function sayingOf(said: Assessment): string {
  switch (said.kind) {
    case "reject":
    case "hold":
      return `${said.kind}: ${said.reason}`;
    case "needs-signals":
      return "its judges are to be asked";
    case "eligible":
      return said.reason ? `eligible: ${said.reason}` : "eligible";
    default:
      return said satisfies never;
  }
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
