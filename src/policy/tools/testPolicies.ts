import { existsSync } from "node:fs";
import { join } from "node:path";
import { createCompiler } from "../expression.ts";
import { createInProcessEvaluator } from "../inProcessEvaluator.ts";
import { type LoadedPolicy, loadPolicies } from "../loadPolicies.ts";
import { readInside } from "../policyFolder.ts";
import type { Verdict } from "../policyPort.ts";
import type { Signals } from "../signals/signalsPort.ts";
import { readTestFile, type TestCase } from "./testFile.ts";

type TestOutcome = { readonly text: string; readonly ok: boolean };

/**
 * Runs the tests of every policy in a folder: those in the file that `tests` names, or in `tests/NAME.test.yaml`.
 * It fails where a case fails, where a test file is wrong, and where no case ran at all.
 *
 * @throws ConfigError `POLICY_INVALID` where the policies do not load.
 */
export async function testPolicies(folder: string): Promise<TestOutcome> {
  let current: TestCase | undefined;
  const signals: Signals = {
    ask: async ({ name }, { response }) => {
      const answers = current?.signals.get(response.address);
      if (answers && name in answers) return { ok: true, answer: answers[name] };
      return { ok: false, error: `the judge ${name} did not answer` };
    },
  };
  const { loaded } = loadPolicies(folder, { evaluator: createInProcessEvaluator(), signals });
  const lines: string[] = [];
  let ran = 0;
  let failed = 0;
  for (const each of loaded) {
    const path = testsOf(folder, each);
    if (path === undefined) {
      lines.push(`-    ${each.policy.name}: no tests`);
      continue;
    }
    const reasons: string[] = [];
    try {
      const cases = readTestFile(readInside(folder, path), (recorded) => readInside(folder, recorded));
      if (cases.length === 0) throw new TypeError("no case");
      for (const test of cases) {
        current = test;
        const verdicts = await each.policy.judge(test.candidate);
        reasons.push(...verdicts.map(({ kind, reason }) => `${kind} ${reason}`));
        const faults = faultsOf(test, verdicts);
        ran++;
        if (faults.length > 0) failed++;
        lines.push(`${faults.length === 0 ? "ok  " : "FAIL"} ${each.policy.name}: ${test.name}`);
        lines.push(...faults.map((fault) => `       ${fault}`));
      }
    } catch (error) {
      failed++;
      lines.push(`FAIL ${each.policy.name}: ${path}: ${(error as Error).message}`);
    }
    lines.push(...coverageOf(each, reasons));
  }
  if (ran === 0) lines.push("FAIL no case ran");
  const passed = `${ran - failed < 0 ? 0 : ran - failed} of ${ran} cases as expected`;
  return { text: `${lines.join("\n")}\n${passed}\n`, ok: failed === 0 && ran > 0 };
}

function testsOf(folder: string, { spec, policy }: LoadedPolicy): string | undefined {
  if (spec.tests) return spec.tests.value;
  const usual = `tests/${policy.name}.test.yaml`;
  return existsSync(join(folder, usual)) ? usual : undefined;
}

function faultsOf({ expect, names }: TestCase, verdicts: readonly Verdict[]): readonly string[] {
  return Object.entries(expect).flatMap(([id, wanted]) => {
    const verdict = verdicts.find(({ response }) => response === names.get(id));
    const found = verdict ? `${verdict.kind}: ${verdict.reason}` : "nothing";
    const [kind = "", ...rest] = String(wanted).split(":");
    const part = rest.join(":").trim();
    const fits = found.split(":")[0] === kind.trim() && found.includes(part);
    return fits ? [] : [`${id}: expected ${wanted}`, `${" ".repeat(id.length)}  but got ${found}`];
  });
}

/** Which conditions some case has seen failing: one that never fails in a test may be a slip. */
function coverageOf({ program, policy }: LoadedPolicy, reasons: readonly string[]): readonly string[] {
  if (program.eligible === undefined) return [];
  const compiled = createCompiler()(program.eligible);
  const conjuncts = compiled.ok ? compiled.expression.conjuncts : [];
  const unseen = conjuncts.filter((text) => !reasons.some((reason) => isAbout(reason, text)));
  const seen = conjuncts.length - unseen.length;
  const lines = [`     ${policy.name}: ${seen} of ${conjuncts.length} conditions were seen failing`];
  return [...lines, ...unseen.map((text) => `       never: ${text}`)];
}

const isAbout = (reason: string, conjunct: string): boolean =>
  reason.includes(`${conjunct} is false`) ||
  reason.includes(`in ${conjunct}`) ||
  (conjunct === "output.valid" && reason.startsWith("reject ") && !reason.includes(" is false"));
