import { createHash } from "node:crypto";
import { LineCounter, parseAllDocuments } from "yaml";
import { type Compiled, createCompiler } from "./expression.ts";
import type { FirstRules } from "./first.ts";
import { loadOutputSchema, type OutputSchema } from "./outputSchema.ts";
import { parseDocument } from "./parseDocument.ts";
import { createPolicy } from "./policy.ts";
import { type PolicyFile, readPolicyFiles } from "./policyFiles.ts";
import type { Policy, PolicySet } from "./policyPort.ts";
import type { Located, PolicySpec } from "./policySpec.ts";
import { type PolicyProblem, policyError, type Report } from "./problems.ts";
import type { YamlNode } from "./yamlReader.ts";

type Loaded = { readonly spec: PolicySpec; readonly policy: Policy };

/**
 * Reads every policy of a folder: all of them, or none.
 *
 * @param folder Files `*.yaml` and `*.yml`, in order of name; a file may hold several documents.
 * @throws ConfigError `POLICY_INVALID` whose message lists every problem of every file, one a line; see `PolicyError`.
 * @example const policies = loadPolicies("/etc/ogpu-confirmd/policies");
 */
export function loadPolicies(folder: string): PolicySet {
  const problems: PolicyProblem[] = [];
  const compile = createCompiler();
  const files = filesOf(folder);
  const names = new Map<string, string>();
  const loaded = files.flatMap((file) => loadFile(file, { folder, compile, names, problems }));
  if (problems.length > 0) throw policyError(problems);
  return createPolicySet(loaded);
}

function filesOf(folder: string): readonly PolicyFile[] {
  const whole = { file: folder, line: 1, column: 1 };
  let files: readonly PolicyFile[];
  try {
    files = readPolicyFiles(folder);
  } catch {
    throw policyError([{ ...whole, message: "the policies folder cannot be read", hint: "check its path and rights" }]);
  }
  if (files.length > 0) return files;
  const hint = "put a *.yaml file there; a policy in mode shadow pays nobody";
  throw policyError([{ ...whole, message: "there is no policy in this folder", hint }]);
}

type Context = {
  readonly folder: string;
  readonly compile: (source: string) => Compiled;
  /** Names so far, and the file of each. */
  readonly names: Map<string, string>;
  readonly problems: PolicyProblem[];
};

function loadFile(file: PolicyFile, context: Context): readonly Loaded[] {
  const lines = new LineCounter();
  const report: Report = (offset, message, hint = "") => {
    const { line, col } = lines.linePos(offset);
    context.problems.push({ file: file.name, line: Math.max(line, 1), column: Math.max(col, 1), message, hint });
  };
  if (file.text === undefined) {
    report(0, file.error);
    return [];
  }
  const text = file.text;
  const documents = parseAllDocuments(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
    schema: "core",
  });
  const full = Array.isArray(documents)
    ? documents.filter((each) => each.contents !== null || each.errors.length > 0)
    : [];
  if (full.length === 0) report(0, "the file holds no policy", "write one, or remove the file");
  return full.flatMap((document) => {
    const faults = [...document.errors, ...document.warnings];
    for (const { pos, code, message } of faults) {
      if (code === "DUPLICATE_KEY") report(pos[0], "the key is written twice", "keep one of them");
      else report(pos[0], `YAML: ${message}`);
    }
    if (faults.length > 0) return [];
    const [start, , end] = document.range ?? [0, 0, text.length];
    const policy = loadDocument(
      document.contents as YamlNode,
      text,
      text.slice(start, end),
      file.name,
      context,
      report,
    );
    return policy ? [policy] : [];
  });
}

function loadDocument(
  node: YamlNode,
  text: string,
  source: string,
  file: string,
  context: Context,
  report: Report,
): Loaded | undefined {
  const spec = parseDocument(node, text, report);
  if (!spec) return undefined;
  const { name, schema: path } = spec;
  const other = context.names.get(name.value);
  if (other) report(name.offset, `the name ${name.value} is taken`, `by a policy in ${other}`);
  else context.names.set(name.value, file);
  const schema = path && loadSchema(context.folder, path, report);
  const compiled = context.compile(spec.eligible.value);
  if (!compiled.ok) {
    for (const { offset, message, hint } of compiled.problems) report(spec.eligible.offsetOf(offset), message, hint);
    return undefined;
  }
  const { expression } = compiled;
  if (path && !expression.mentions.has("output.valid")) {
    report(
      path.offset,
      "eligible does not use output.valid, so the schema would decide nothing",
      "write output.valid && …",
    );
  }
  const digest = createHash("sha256")
    .update(source)
    .update("\0")
    .update(schema?.bytes ?? "")
    .digest("hex");
  const rules: FirstRules = {
    eligible: expression,
    perTask: spec.perTask,
    retries: spec.retries,
    schema: path && schema && { path: path.value, refusal: schema.refusal },
  };
  return { spec, policy: createPolicy(spec, digest, rules) };
}

function loadSchema(folder: string, path: Located<string>, report: Report): OutputSchema | undefined {
  try {
    return loadOutputSchema(folder, path.value);
  } catch (error) {
    report(path.offset, `output.schema: ${(error as Error).message}`);
    return undefined;
  }
}

function createPolicySet(loaded: readonly Loaded[]): PolicySet {
  return {
    policies: loaded.map(({ policy }) => policy),
    select: ({ source, functionName }) =>
      loaded.find(
        ({ spec: { sources, functions } }) =>
          (sources === undefined || sources.has(source)) &&
          (functions === undefined || (functionName !== undefined && functions.has(functionName))),
      )?.policy,
  };
}
