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

const render = "10-render.yaml";
const paint = { "20-paint.yaml": files["20-paint.yaml"] };

/** What may be in their place for a while: what pays is in shadow, away, or written otherwise. None pays anything else. */
export const others: readonly Readonly<Record<string, string>>[] = [
  { ...paint, [render]: files[render].replace("enforce", "shadow") },
  paint,
  { ...paint, [render]: files[render].replace("retries: 10", "retries: 9") },
];

/** Writes the policies of every run into a folder; `truth.ts` says the same in other words. */
export function writePolicies(folder: string, written: Readonly<Record<string, string>> = files): string {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(written)) writeFileSync(join(folder, name), text);
  return folder;
}
