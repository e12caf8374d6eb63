import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { scenarios } from "../../devnet/demo/scenarios.ts";

const run = promisify(execFile);
const demo = join(import.meta.dirname, "../../devnet/demo.ts");

it("plays every scenario, each ends as it demands, and the report tells verdicts, transaction and money", async () => {
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
  const { tasks } = JSON.parse(readFileSync(report, "utf8"));
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
}, 120_000);

it("refuses options that it does not know, and says which there are", async () => {
  const failure = await run(process.execPath, [demo, "--task", "3"]).catch((error) => error);
  expect(failure.code).toBe(1);
  expect(failure.stderr).toMatch(/--task.*\n[\s\S]*--tasks N/);
});
