import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { factTypes } from "../../../src/policy/factTypes.ts";
import { policyDefaults, policyKeys, strategyNames } from "../../../src/policy/policySpec.ts";
import { newPolicy } from "../../../src/policy/tools/newPolicy.ts";
import { testPolicies } from "../../../src/policy/tools/testPolicies.ts";
import { folderOf } from "./support.ts";

const readme = readFileSync(join(import.meta.dirname, "../../../policies/README.md"), "utf8");

test("who does what the ten minutes say has a policy whose tests pass, every condition seen failing", async () => {
  const [, tests = ""] = /```yaml\n(given:[\s\S]*?)```/.exec(readme) ?? [];
  const folder = folderOf({ "mine.yaml": newPolicy("cheapest"), "tests/my-cheapest.test.yaml": tests });
  const { ok, text } = await testPolicies(folder);
  expect(text).toMatch(/2 of 2 cases as expected/);
  expect(text).not.toMatch(/never:/);
  expect(ok).toBe(true);
});

test("the page names every key, every strategy and every fact", () => {
  const [, keys = "", facts = ""] = /## Keys([\s\S]*)## Facts([\s\S]*)## A person decides/.exec(readme) ?? [];
  const named = Object.values(policyKeys).flat();
  expect(named.filter((key) => !new RegExp(`\\b${key}\\b`).test(keys))).toEqual([]);
  expect(strategyNames.filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
  const fields = Object.values(factTypes).flatMap((type) => Object.keys(type));
  expect(fields.filter((field) => !new RegExp(`\\b${field}\\b`).test(facts))).toEqual([]);
  expect(keys).toContain(`latest: ${policyDefaults.latest}`);
});
