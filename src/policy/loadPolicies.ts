import { LineCounter, parseAllDocuments } from "yaml";
import { buildPolicy } from "./buildPolicy.ts";
import type { Evaluator } from "./evaluator.ts";
import { type Compiler, createCompiler } from "./expression.ts";
import { createInProcessEvaluator } from "./inProcessEvaluator.ts";
import { parseDocument } from "./parseDocument.ts";
import { type PolicyFile, readPolicyFiles } from "./policyFiles.ts";
import type { Policy, PolicySet } from "./policyPort.ts";
import type { PolicySpec } from "./policySpec.ts";
import { type PolicyProblem, policyError, type Report } from "./problems.ts";
import type { Program } from "./program.ts";
import { selectPolicy } from "./selectPolicy.ts";
import { noSignals, type Signals } from "./signals/signalsPort.ts";
import type { YamlNode } from "./yamlReader.ts";

type LoadOptions = {
  /** @default in this thread */
  readonly evaluator?: Evaluator;
  /** @default none can be asked */
  readonly signals?: Signals;
};

/** A policy with all that the tools look at. */
export type LoadedPolicy = {
  readonly file: string;
  readonly spec: PolicySpec;
  readonly program: Program;
  readonly policy: Policy;
};

export type LoadedPolicies = PolicySet & {
  /** In the set's order. */
  readonly loaded: readonly LoadedPolicy[];
};

/**
 * Reads every policy of a folder: all of them, or none.
 *
 * @param folder Files `*.yaml` and `*.yml`; by `order`, then by file name, then as they stand in the file.
 * @throws ConfigError `POLICY_INVALID` whose message lists every problem of every file, one a line; see `PolicyError`.
 * @example const policies = loadPolicies("/etc/ogpu-confirmd/policies");
 */
export function loadPolicies(folder: string, options: LoadOptions = {}): LoadedPolicies {
  const problems: PolicyProblem[] = [];
  const context: Context = {
    folder,
    compile: createCompiler(),
    names: new Map(),
    problems,
    evaluator: options.evaluator ?? createInProcessEvaluator(),
    signals: options.signals ?? noSignals,
  };
  const loaded = filesOf(folder)
    .flatMap((file) => loadFile(file, context))
    .sort((a, b) => a.spec.order - b.spec.order);
  if (problems.length > 0) throw policyError(problems);
  return {
    loaded,
    policies: loaded.map(({ policy }) => policy),
    select: (task) => selectPolicy(loaded, task)?.policy,
  };
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

export type Context = {
  readonly folder: string;
  readonly compile: Compiler;
  /** Names so far, and the file of each. */
  readonly names: Map<string, string>;
  readonly problems: PolicyProblem[];
  readonly evaluator: Evaluator;
  readonly signals: Signals;
};

function loadFile(file: PolicyFile, context: Context): readonly LoadedPolicy[] {
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
    const spec = parseDocument(document.contents as YamlNode, text, report);
    if (!spec) return [];
    claimName(spec, file.name, context, report);
    const [start, , end] = document.range ?? [0, 0, text.length];
    const built = buildPolicy(spec, text.slice(start, end), context, report);
    return built ? [{ file: file.name, spec, ...built }] : [];
  });
}

function claimName({ name }: PolicySpec, file: string, { names }: Context, report: Report): void {
  const other = names.get(name.value);
  if (other) report(name.offset, `the name ${name.value} is taken`, `by a policy in ${other}`);
  else names.set(name.value, file);
}
