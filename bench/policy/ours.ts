import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Evaluator } from "../../src/policy/evaluator.ts";
import { loadPolicySet } from "../../src/policy/loadPolicySet.ts";
import type { Policy } from "../../src/policy/policyPort.ts";
import { labels } from "./tasks.ts";

const head = (name: string) => `apiVersion: ogpu-confirmd/v1\nname: ${name}\n`;
const isLabel = `output.json.label in ${JSON.stringify(labels)}`;

/** What a client wants of an answer, as a JSON Schema. */
const schema = {
  type: "object",
  required: ["label", "confidence", "text"],
  properties: {
    label: { enum: labels },
    confidence: { type: "number", minimum: 0, maximum: 1 },
    text: { type: "string", minLength: 100, maxLength: 1_000 },
  },
};

const files = {
  "simple.yaml": `${head("simple")}strategy: first
eligible: output.valid && ${isLabel} && response.payment <= task.payment.percent(90)
`,
  "quorum.yaml": `${head("quorum")}strategy: quorum
eligible: output.valid && ${isLabel} && response.payment <= task.payment.percent(90)
quorum: { count: 5, key: output.json.label, pick: cheapest, decide: reached }
`,
  "schema.yaml": `${head("schema")}strategy: first
output: { schema: schema.json }
eligible: output.valid && response.payment <= task.payment.percent(90)
`,
  "schema.json": JSON.stringify(schema),
} as const;

export type Ours = Readonly<Record<"simple" | "quorum" | "schema", Policy>>;

/** The policies that are measured, compiled in an evaluator. */
export async function loadOurs(evaluator: Evaluator): Promise<Ours> {
  const folder = mkdtempSync(join(tmpdir(), "bench-policy-"));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const { policies } = await loadPolicySet(folder, { evaluator });
    return Object.fromEntries(policies.map((policy) => [policy.name, policy])) as Ours;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
