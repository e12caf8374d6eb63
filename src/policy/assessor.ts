import { createCompiler, type Expression, type Failure } from "./expression.ts";
import { mayRead } from "./expressionTree.ts";
import { type Facts, toFacts } from "./facts.ts";
import type { FactsJson, OutputJson } from "./factsJson.ts";
import { keyText } from "./keyText.ts";
import { compileSchema, type Refusal } from "./outputSchema.ts";
import { loadPlugin, type PluginVerdict } from "./plugin.ts";
import type { Assessment, Program } from "./program.ts";
import { roles } from "./roles.ts";
import { amountOf } from "./weiType.ts";

/** Judges one response on its own, by its facts alone. Never throws. Pure, as far as its plug-in is. */
export type Assessor = (facts: FactsJson) => Assessment;

const compile = createCompiler();

/**
 * Compiles a program.
 *
 * @throws TypeError if something in it does not compile; `loadPolicies` has said so before, with line and column, of
 *   everything but a plug-in.
 */
export async function createAssessor(program: Program): Promise<Assessor> {
  const eligible = compiled(program.eligible, "eligible");
  const score = compiled(program.score, "score");
  const key = compiled(program.key, "key");
  const { schema } = program;
  const refusal = schema && compileSchema(schema);
  const plugin = program.plugin && (await loadPlugin(program.plugin));
  const parts = [eligible, score, key].filter((part) => part !== undefined);
  const reads = (fact: string) => parts.some(({ mentions }) => mayRead(mentions, fact));
  const asksJudges = reads("signals");
  const readsPayload = plugin !== undefined || asksJudges || reads("output");
  const readsText = plugin !== undefined || asksJudges || reads("output.text");
  const readsJson = reads("output.json");

  const assess = (given: FactsJson): Assessment => {
    const missing = whatIsMissing(given.output, { readsPayload, readsText, readsJson });
    if (missing) return { kind: "reject", reason: missing };
    const output = schema && refusal ? withSchema(given.output, schema.path, refusal) : given.output;
    const json = { ...given, output };
    const facts = toFacts(json);
    const waitsForSignals = asksJudges && json.signals === undefined;
    const refused = eligible && judgeEligible(eligible, facts, output, waitsForSignals);
    if (refused) return refused;
    if (waitsForSignals) return { kind: "needs-signals" };
    const said = plugin && pluginAssessment(plugin(json));
    if (said && said.kind !== "eligible") return said;
    return rank({ score, key }, facts, output, said);
  };
  return (facts) => {
    try {
      return assess(facts);
    } catch {
      return { kind: "hold", reason: "the policy failed on this response: a fact is not what it should be" };
    }
  };
}

type Reads = { readonly readsPayload: boolean; readonly readsText: boolean; readonly readsJson: boolean };

/**
 * Why nothing that is read can be judged. What did not come is empty, and so is the text of what came and is none (it is not
 * UTF-8, or has no bytes). Of an empty text `!output.text.contains("error")` is true: a condition must not get to see it, nor
 * must a judge or a plug-in.
 */
function whatIsMissing(
  { valid, digest, error, text }: OutputJson,
  { readsPayload, readsText, readsJson }: Reads,
): string | undefined {
  if (valid) return undefined;
  if (readsPayload && digest === "") return error || "the payload did not come";
  if (readsText && text === "") return error || "the payload is no text";
  return readsJson ? error || "the payload is not JSON" : undefined;
}

function compiled(source: string | undefined, role: keyof typeof roles): Expression | undefined {
  if (source === undefined) return undefined;
  const result = compile(source, roles[role]);
  if (!result.ok) throw new TypeError(result.problems.map(({ message }) => message).join("; "));
  return result.expression;
}

function judgeEligible(
  eligible: Expression,
  facts: Facts,
  output: OutputJson,
  withoutSignals: boolean,
): Assessment | undefined {
  const evaluation = withoutSignals ? eligible.evaluateWithout("signals", facts) : eligible.evaluate(facts);
  switch (evaluation.kind) {
    case "true":
      return undefined;
    case "false": {
      const own = output.valid || !eligible.mentions.has("output");
      return { kind: "reject", reason: own ? `${evaluation.conjunct} is false` : output.error };
    }
    case "error":
      return failed("eligible", evaluation, output);
    default:
      return evaluation satisfies never;
  }
}

/**
 * An expression that cannot be evaluated never pays. Where the fault lies in the stranger's document (a missing field,
 * a wrong type) the response is rejected; where it lies anywhere else, the task's config included, a person looks.
 */
function failed(what: string, { message, facts }: Failure, output: OutputJson): Assessment {
  const reason = `${what} could not be evaluated: ${message}`;
  const stranger = facts.has("output") && !mayRead(facts, "task.config") && !facts.has("signals");
  if (!stranger) return { kind: "hold", reason };
  return { kind: "reject", reason: output.valid ? reason : output.error };
}

function rank(
  { score, key }: { readonly score: Expression | undefined; readonly key: Expression | undefined },
  facts: Facts,
  output: OutputJson,
  said: (Assessment & { readonly kind: "eligible" }) | undefined,
): Assessment {
  let ranked: Assessment & { readonly kind: "eligible" } = said ?? { kind: "eligible" };
  if (score) {
    const result = score.value(facts);
    if (result.kind === "error") return failed("score", result, output);
    const value = amountOf(result.value) ?? result.value;
    if (!isScore(value)) return { kind: "reject", reason: "score is no number" };
    ranked = { ...ranked, score: value };
  }
  if (key) {
    const result = key.value(facts);
    if (result.kind === "error") return failed("key", result, output);
    const text = keyText(result.value);
    if (text === undefined) return { kind: "reject", reason: "key is no text, number, truth value or list of those" };
    ranked = { ...ranked, key: text };
  }
  return ranked;
}

const isScore = (value: unknown): value is number | bigint =>
  typeof value === "bigint" || (typeof value === "number" && Number.isFinite(value));

const maxReason = 200;

function pluginAssessment(said: PluginVerdict): Assessment {
  const reason = typeof said?.reason === "string" ? said.reason.slice(0, maxReason) : "";
  switch (said?.verdict) {
    case "eligible":
      if (said.score !== undefined && !isScore(said.score)) return { kind: "reject", reason: "score is no number" };
      return {
        kind: "eligible",
        ...(said.score !== undefined && { score: said.score }),
        ...(typeof said.key === "string" && { key: said.key }),
        ...(reason && { reason }),
      };
    case "reject":
    case "hold":
      return { kind: said.verdict, reason: reason || `the plug-in says ${said.verdict}` };
    default:
      return { kind: "hold", reason: "the plug-in answered no verdict" };
  }
}

/** The output as conditions see it: not valid where the schema refuses it. */
export function withSchema(output: OutputJson, path: string, refusal: Refusal): OutputJson {
  if (!output.valid) return output;
  const where = refusal(output.json);
  return where ? { ...output, valid: false, error: `the output does not match ${path} at ${where}` } : output;
}
