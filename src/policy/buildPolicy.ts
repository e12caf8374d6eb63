import { createHash } from "node:crypto";
import type { Expression, Role } from "./expression.ts";
import { toFacts } from "./facts.ts";
import type { JudgeRules } from "./judge.ts";
import type { Context } from "./loadPolicies.ts";
import { everything, joinNeeds, type Needs, needsOf } from "./needs.ts";
import { checkSchema } from "./outputSchema.ts";
import { createPolicy } from "./policy.ts";
import { readInside, readSchemas } from "./policyFolder.ts";
import type { Policy } from "./policyPort.ts";
import type { Located, PolicySpec, ScalarText } from "./policySpec.ts";
import type { Report } from "./problems.ts";
import type { PluginSource, Program } from "./program.ts";
import { roles } from "./roles.ts";
import { strategyOf } from "./strategies/strategyOf.ts";

type Built = { readonly program: Program; readonly policy: Policy };
type Expressions = { readonly [Part in "eligible" | "score" | "key" | "latest"]: Expression | undefined };

/**
 * Compiles what a policy's file says, and reports what does not compile.
 *
 * @param source The document as it is written: part of the digest.
 */
export function buildPolicy(spec: PolicySpec, source: string, context: Context, report: Report): Built | undefined {
  const files =
    spec.schema && loadPart(spec.schema, "output.schema", report, (path) => loadSchema(context.folder, path));
  const plugin = spec.plugin && loadPluginSource(spec.plugin, context.folder, report);
  const { strategy } = spec;
  const compile = (text: ScalarText | undefined, role: Role) => compilePart(text, role, context, report);
  const expressions: Expressions = {
    eligible: compile(spec.eligible, roles.eligible),
    score: compile(strategy.score, roles.score),
    key: compile(strategy.quorum?.key, roles.key),
    latest: compile(strategy.window?.latest, roles.latest),
  };
  if (spec.eligible && !expressions.eligible) return undefined;
  if (strategy.name === "quorum" && !strategy.quorum) return undefined;
  checkSchemaIsUsed(spec, expressions, report);
  checkSignals(spec, expressions, report);
  checkLatest(spec, expressions, report);
  checkKey(spec, expressions, report);

  const hash = createHash("sha256")
    .update(source)
    .update("\0")
    .update(files?.text ?? "");
  if (plugin) hash.update("\0").update(plugin.text);
  const program: Program = {
    digest: hash.digest("hex"),
    eligible: spec.eligible?.value,
    score: strategy.score?.value,
    key: strategy.quorum?.key?.value,
    schema: files?.source,
    plugin,
  };
  const rules: JudgeRules = {
    program,
    evaluator: context.evaluator,
    judges: context.signals,
    signals: spec.signals,
    budgetMs: spec.budgetMs,
    stopsAtFirst: strategy.name === "first",
    strategy: strategyOf(strategy),
    window: strategy.window,
    latest: (facts) => latestOf(expressions.latest, facts),
    needs: needsOfPolicy(spec, expressions),
    perTask: spec.caps.perTask,
    retries: spec.retries,
    requireCid: spec.requireCid,
  };
  return { program, policy: createPolicy(spec, rules) };
}

function compilePart(text: ScalarText | undefined, role: Role, { compile }: Context, report: Report) {
  if (!text) return undefined;
  const compiled = compile(text.value, role);
  if (compiled.ok) return compiled.expression;
  for (const { offset, message, hint } of compiled.problems) report(text.offsetOf(offset), message, hint);
  return undefined;
}

function loadSchema(folder: string, path: string) {
  const files = readSchemas(folder, path);
  checkSchema(files.source);
  return files;
}

function loadPluginSource(
  { file, options }: NonNullable<PolicySpec["plugin"]>,
  folder: string,
  report: Report,
): PluginSource | undefined {
  const text = loadPart(file, "plugin.file", report, (path) => readInside(folder, path));
  return text === undefined ? undefined : { path: file.value, text, options };
}

function loadPart<T>(path: Located<string>, key: string, report: Report, load: (path: string) => T): T | undefined {
  try {
    return load(path.value);
  } catch (error) {
    report(path.offset, `${key}: ${(error as Error).message}`);
    return undefined;
  }
}

function checkSchemaIsUsed({ schema, plugin }: PolicySpec, { eligible }: Expressions, report: Report): void {
  if (!schema || plugin || eligible?.mentions.has("output.valid")) return;
  const message = "eligible does not use output.valid, so the schema would decide nothing";
  report(schema.offset, message, "write output.valid && …");
}

function checkSignals(
  { signals, eligible, strategy, name }: PolicySpec,
  expressions: Expressions,
  report: Report,
): void {
  const known = new Set(signals.map((each) => each.name));
  const texts = { eligible, score: strategy.score, key: strategy.quorum?.key };
  const used = new Set<string>();
  for (const part of ["eligible", "score", "key"] as const) {
    for (const mention of expressions[part]?.mentions ?? []) {
      const signal = /^signals\.(.+)$/.exec(mention)?.[1];
      if (signal === undefined) continue;
      used.add(signal);
      const offset = texts[part]?.offsetOf(texts[part].value.indexOf("signals")) ?? name.offset;
      if (!known.has(signal)) report(offset, `there is no judge ${signal}`, `write signals: { ${signal}: { url: … } }`);
    }
  }
  for (const signal of known) {
    if (!used.has(signal)) report(name.offset, `no expression uses signals.${signal}: the judge would decide nothing`);
  }
}

const latestMay = /^(now|task|source|task\.(payment|expiryTime|expiry)|source\.minPayment)$/;

function checkLatest({ strategy }: PolicySpec, { latest }: Expressions, report: Report): void {
  const other = [...(latest?.mentions ?? [])].find((mention) => !latestMay.test(mention));
  if (!other || !strategy.window) return;
  report(
    strategy.window.latest.offsetOf(0),
    `window.latest may not use ${other}`,
    'write task.expiry - duration("10m")',
  );
}

/** A key that is the same for every answer would make any of them a quorum. */
function checkKey({ strategy }: PolicySpec, { key }: Expressions, report: Report): void {
  const text = strategy.quorum?.key;
  if (!text || !key || [...key.mentions].some((mention) => /^(output|response|signals)\b/.test(mention))) return;
  const message = "quorum.key reads nothing of a response, so that all of them would agree";
  report(text.offsetOf(0), message, "write what has to be equal, as output.json.label");
}

function latestOf(latest: Expression | undefined, facts: Parameters<JudgeRules["latest"]>[0]): number | undefined {
  const result = latest?.value(toFacts(facts));
  return result?.kind === "value" && typeof result.value === "bigint" ? Number(result.value) : undefined;
}

function needsOfPolicy({ plugin, schema, signals, strategy, requireCid }: PolicySpec, expressions: Expressions): Needs {
  const parts = Object.values(expressions).filter((expression) => expression !== undefined);
  const needs = joinNeeds(parts.map(({ mentions }) => needsOf(mentions)));
  const whole = { output: true, json: true, text: true, config: true };
  return {
    ...needs,
    // Whether a payload is the one that its CID names, nobody can tell who has not read it.
    ...(requireCid && { output: true }),
    ...(schema && { json: true }),
    ...(signals.length > 0 && whole),
    // A person is shown the payload: it has to be there.
    ...(strategy.name === "manual" && { output: true, json: true, text: true }),
    ...(plugin && { ...everything, signals: needs.signals }),
    published: strategy.window?.from === "published",
    stake: needs.stake || plugin !== undefined || strategy.name === "quorum",
  };
}
