import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { it } from "vitest";
import { scenarios } from "../../devnet/demo/scenarios.ts";

const run = promisify(execFile);
const demo = join(import.meta.dirname, "../../devnet/demo.ts");

it.concurrent("plays every scenario, each ends as it demands, and the report tells verdicts, transaction and money", async ({
  expect,
}) => {
  const directory = mkdtempSync(join(tmpdir(), "demo-test-"));
  const report = join(directory, "demo.json");
  const { stdout } = await run(process.execPath, [
    demo,
    "--exit",
    "--tasks",
    String(scenarios.length),
    "--report",
    report,
  ]);
  expect(stdout).toContain(`${scenarios.length} of ${scenarios.length} tasks ended as expected`);
  expect(stdout).toContain(
    "Of that, 0.8 OGPU because 2 tasks waited for the cheapest valid answer: 0.8 OGPU paid, where the first valid ones asked 1.6 OGPU.",
  );
  const { tasks, sums } = JSON.parse(readFileSync(report, "utf8"));
  rmSync(directory, { recursive: true });
  expect(tasks.map((task: { scenario: string }) => task.scenario)).toEqual(scenarios.map(({ name }) => name));
  const [honest] = tasks;
  expect(honest).toMatchObject({
    verdicts: [{ behaviour: "honest", kind: "confirm", response: honest.confirmedResponse }],
    txHash: expect.stringMatching(/^0x[0-9a-f]{64}$/),
    pricePaid: "800000000000000000",
    priceSaved: "200000000000000000",
    asExpected: true,
  });
  const market = tasks.find((task: { scenario: string }) => task.scenario === "four prices, cheapest valid");
  expect(market).toMatchObject({ firstValidPrice: "900000000000000000", pricePaid: "300000000000000000" });
  expect(market.verdicts).toContainEqual(
    expect.objectContaining({
      behaviour: "cheap",
      kind: "confirm",
      policy: "sentiment-cheapest",
      reason: expect.stringMatching(/^the cheapest of 3 eligible: 0.3 OGPU; the next asks 0.6 OGPU/),
    }),
  );
  const paid = tasks.reduce((sum: bigint, task: { pricePaid: string }) => sum + BigInt(task.pricePaid), 0n);
  expect(sums).toMatchObject({ paid: String(paid), savedByComparing: "800000000000000000" });
});

it.concurrent("refuses options that it does not know, and says which there are", async ({ expect }) => {
  const failure = await run(process.execPath, [demo, "--task", "3"]).catch((error) => error);
  expect(failure.code).toBe(1);
  expect(failure.stderr).toMatch(/--task.*\n[\s\S]*--tasks N/);
});

it.concurrent("refuses a report that it could not write before it plays anything", async ({ expect }) => {
  const failure = await run(process.execPath, [demo, "--exit", "--report", "/nowhere/demo.json"]).catch(
    (error) => error,
  );
  expect(failure).toMatchObject({ code: 1, stdout: "" });
  expect(failure.stderr).toMatch(/^--report: \/nowhere\/demo\.json cannot be written \(ENOENT\)\n/);
});

it.concurrent("stops in order, and leaves nothing behind, where nobody reads it any more", async ({ expect }) => {
  const directory = mkdtempSync(join(tmpdir(), "demo-test-"));
  const child = spawn(process.execPath, [demo], { env: { ...process.env, TMPDIR: directory } });
  let errors = "";
  child.stderr.on("data", (chunk) => (errors += chunk));
  let seen = "";
  while (!seen.includes("Chain 1071")) seen += (await once(child.stdout, "data"))[0];
  child.stdout.destroy();
  const [code] = await once(child, "exit");
  expect({ code, errors }).toEqual({ code: 0, errors: "" });
  expect(readdirSync(directory).filter((name) => name.startsWith("ogpu-demo-"))).toEqual([]);
  rmSync(directory, { recursive: true });
});
