import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StatementSync } from "node:sqlite";
import { expect, it, onTestFinished, vi } from "vitest";
import { openSqliteJournal } from "../../../src/journal/sqliteJournal.ts";
import type { FactsJson } from "../../../src/policy/factsJson.ts";
import { type AccountAddress, type ResponseAddress, type TaskAddress, wei } from "../../../src/protocol/brand.ts";
import { cli } from "../../support/cli.ts";
import { address, hashOf, source } from "../../support/fakeChain.ts";

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

/** Of task number `at`, which a judge gave so much. */
const factsOf = (at: number, score: number): FactsJson => ({
  now: 100,
  task: {
    ...{ address: taskOf(at), source, payment: "9", expiryTime: 9_999, deliveryMethod: "MANUAL_CONFIRMATION" },
    ...{ function: "", config: {} },
  },
  source: { address: source, client: address(0xc1), minPayment: "0", status: "ACTIVE" },
  response: { address: responseOf(at), provider: address(0xd1), payment: "5", submittedAt: 50 },
  output: { valid: true, json: {}, text: "{}", bytes: 2, cidVerified: false, error: "", digest: "d" },
  signals: { quality: { score } },
});
const taskOf = (at: number) => address<TaskAddress>(0x10_000 + at);
const responseOf = (at: number) => address<ResponseAddress>(0x20_000 + at);

it("holds no more of a large journal at once than some of it, and judges each task by what was recorded of it", async () => {
  const cwd = mkdtempSync(join(tmpdir(), "backtest-"));
  onTestFinished(() => rmSync(cwd, { recursive: true }));
  const path = join(cwd, "journal.sqlite");
  const journal = openSqliteJournal({ path, chainId: 1071 });
  const all = Array.from({ length: 2_500 }, (_, at) => ({ task: taskOf(at), response: responseOf(at) }));
  await journal.intake({ tasks: all.map(({ task }) => ({ task, source })), responses: all, touched: [] });
  const verdict = { kind: "reject", reason: "", until: undefined, policy: "p", policyDigest: "d" } as const;
  const basis = { block: { number: 7n, hash: hashOf(7) }, payloadDigest: "", payment: wei(5n), responseDigest: "r" };
  const provider = address<AccountAddress>(0xd1);
  await journal.decide(
    all.map(({ task, response }, at) => {
      const facts = { json: JSON.stringify(factsOf(at, at < 1_000 ? 0.9 : 0.1)), digest: "" };
      return { ...verdict, ...basis, task, response, provider, mode: "enforce", facts };
    }),
    1,
  );
  await journal.close();
  mkdirSync(join(cwd, "policies"));
  const policy = `apiVersion: ogpu-confirmd/v1\nname: judged\nstrategy: first
signals: { quality: { url: http://127.0.0.1:1/ } }\neligible: signals.quality.score >= 0.7\n`;
  writeFileSync(join(cwd, "policies", "judged.yaml"), policy);
  const read = vi.spyOn(StatementSync.prototype, "all");
  const where = ["--network", "mainnet", "--journal-path", path, "--json"];
  const { code, out, err } = await cli(["policy", "backtest", ...where], { cwd });
  const sizes = read.mock.results.map(({ value }) => (value as unknown[]).length);
  read.mockRestore();
  expect([code, err]).toEqual([0, ""]);
  const { rows, wouldPay, skipped, unjudged } = JSON.parse(out);
  expect([rows.length, wouldPay, skipped, unjudged]).toEqual([2_500, "5000", 0, 0]);
  expect(rows.map(({ task }: { task: string }) => task)).toEqual(all.map(({ task }) => task));
  expect(Math.max(...sizes)).toBe(1_000);
});
