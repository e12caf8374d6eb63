import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
const main = join(root, "src/main.ts");
/** What the first line of the program gives Node. */
const flags = (readFileSync(main, "utf8").split("\n", 1)[0] ?? "").split(/\s+/).filter((word) => word.startsWith("--"));

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "confirmd-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** Checks a policy whose plug-in holds so many MiB from its beginning on. */
async function checkHolding(mebi: number): Promise<string> {
  writeFileSync(
    join(directory, "big.ts"),
    `export default () => {
      const held = Array.from({ length: ${mebi} }, (_, count) => new Array(131072).fill(count + 0.5));
      return () => ({ verdict: "eligible", reason: String(held.length) });
    };`,
  );
  const lines = [
    "apiVersion: ogpu-confirmd/v1",
    "name: big",
    "mode: enforce",
    "strategy: first",
    "plugin: { file: big.ts }",
  ];
  writeFileSync(join(directory, "big.yaml"), lines.join("\n"));
  const run = promisify(execFile)(process.execPath, [...flags, main, "policy", "check", directory], {
    env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE },
  });
  const { stdout, stderr } = await run.catch((failure) => failure);
  return `${stdout}${stderr}`;
}

it("the heap of an evaluation's thread is bounded in the program as it is started, whatever that gives the main thread", async () => {
  expect(await checkHolding(64)).toContain("1 policy");
  expect(await checkHolding(256)).toContain("too much memory");
});
