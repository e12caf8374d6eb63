import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const files = {
  "10-render.yaml": `apiVersion: ogpu-confirmd/v1
name: render
mode: enforce
match: { functions: [render] }
strategy: first
eligible: output.valid && output.json.label == "good" && response.payment <= task.payment.percent(90)
retries: 10
`,
  "20-paint.yaml": `apiVersion: ogpu-confirmd/v1
name: paint
mode: shadow
match: { functions: [paint] }
strategy: first
eligible: output.valid
`,
} as const;

/** Writes the policies of every run into a folder; `truth.ts` says the same in other words. */
export function writePolicies(folder: string): string {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}
