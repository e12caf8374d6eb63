import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { loadPolicies } from "../../../src/policy/loadPolicies.ts";
import { policyKeys } from "../../../src/policy/policySpec.ts";
import { candidateOf, outputOf, responseOf, verdictsOf } from "./support.ts";

const folder = join(import.meta.dirname, "../../../policies");
type Node = { readonly properties: Readonly<Record<string, Node>>; readonly additionalProperties: boolean };
const schema = JSON.parse(readFileSync(join(folder, "policy.schema.json"), "utf8")) as Node;

test("the worked policies load, and none of them pays as it is shipped", () => {
  const { policies } = loadPolicies(folder);
  expect(policies.length).toBeGreaterThan(0);
  expect(policies.every(({ mode }) => mode === "shadow")).toBe(true);
});

test("the editors' schema accepts the worked policies", () => {
  const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schema);
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".yaml"))) {
    for (const document of parseAllDocuments(readFileSync(join(folder, file), "utf8"))) {
      validate("toJS" in document ? document.toJS() : undefined);
      expect(validate.errors).toBeNull();
    }
  }
});

test("the editors' schema knows the keys that the loader knows", () => {
  const keys = (node: Node | undefined) => Object.keys(node?.properties ?? {}).sort();
  expect(keys(schema)).toEqual([...policyKeys.policy].sort());
  for (const name of ["match", "output", "caps", "quorum", "window", "plugin"] as const) {
    expect(keys(schema.properties[name])).toEqual([...policyKeys[name]].sort());
    expect(schema.properties[name]?.additionalProperties).toBe(false);
  }
});

test("the sentiment policy takes a valid label at nine tenths of the price, and nothing else", async () => {
  const policy = loadPolicies(folder).select({ source: "0x" as never, functionName: "analyze_sentiment" });
  if (!policy) throw new Error("no policy");
  const judge = (json: unknown, payment: bigint) => {
    const item = responseOf(1, { output: outputOf(json), response: { payment } });
    return verdictsOf(policy, candidateOf([item], { task: { payment: 50_000_000_000_000_000n } }));
  };
  const price = 45_000_000_000_000_000n;
  expect(await judge({ label: "neutral" }, price)).toEqual(["1 confirm: eligible, and the first"]);
  expect(await judge({ label: "neutral" }, price + 1n)).toEqual([
    "1 reject: response.payment <= task.payment.percent(90) is false",
  ]);
  expect(await judge({ label: "great" }, price)).toEqual([
    '1 reject: output.json.label in ["positive", "negative", "neutral"] is false',
  ]);
  expect(await judge({ confidence: 1 }, price)).toEqual([
    "1 reject: the output does not match schemas/sentiment.json at #/required",
  ]);
});
