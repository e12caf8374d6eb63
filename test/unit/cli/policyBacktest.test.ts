import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { openSqliteJournal } from "../../../src/journal/sqliteJournal.ts";
import { cli } from "../../support/cli.ts";

it.each([
  ["a folder that is not there", "missing/page.html"],
  ["a folder itself", "policies"],
])("says which page it cannot write, and what to do: %s", async (_, page) => {
  const cwd = mkdtempSync(join(tmpdir(), "backtest-"));
  onTestFinished(() => rmSync(cwd, { recursive: true }));
  const path = join(cwd, "journal.sqlite");
  await openSqliteJournal({ path, chainId: 1071 }).close();
  mkdirSync(join(cwd, "policies"));
  const policy = "apiVersion: ogpu-confirmd/v1\nname: first\nstrategy: first\neligible: output.valid\n";
  writeFileSync(join(cwd, "policies", "first.yaml"), policy);
  const options = ["--html", page, "--network", "mainnet", "--journal-path", path];
  const { code, err } = await cli(["policy", "backtest", ...options], { cwd });
  expect(code).toBe(78);
  expect(err).toContain(`error FILE_UNWRITABLE: ${join(cwd, page)} cannot be written`);
  expect(err).toContain("name a file in a folder that is there");
});

it("says of which policies it leaves out the tasks, since the journal does not know when they were published", async () => {
  const cwd = mkdtempSync(join(tmpdir(), "backtest-"));
  onTestFinished(() => rmSync(cwd, { recursive: true }));
  const path = join(cwd, "journal.sqlite");
  await openSqliteJournal({ path, chainId: 1071 }).close();
  mkdirSync(join(cwd, "policies"));
  for (const [name, from] of [
    ["late", "firstEligible"],
    ["timed", "published"],
  ]) {
    const head = `apiVersion: ogpu-confirmd/v1\nname: ${name}\nstrategy: cheapest\neligible: output.valid\n`;
    writeFileSync(join(cwd, "policies", `${name}.yaml`), `${head}window: { for: 1m, from: ${from} }\n`);
  }
  const { code, err } = await cli(["policy", "backtest", "--network", "mainnet", "--journal-path", path], { cwd });
  expect([code, err]).toEqual([
    0,
    "warning: tasks of timed are left out: the journal does not know when a task was published, which their windows count from; --from BLOCK reads them from the chain\n",
  ]);
});
