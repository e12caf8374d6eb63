import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Decision } from "../../../src/journal/journal.ts";
import { migrations } from "../../../src/journal/migrations.ts";
import { openSqliteJournal } from "../../../src/journal/sqliteJournal.ts";
import { verifyJournal } from "../../../src/journal/verifyJournal.ts";
import { type AccountAddress, type TaskAddress, wei } from "../../../src/protocol/brand.ts";
import { address, hashOf, response, source, task } from "../../support/fakeChain.ts";

const provider = address<AccountAddress>(0x5a);

let directory: string;
let whole: Buffer;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "verify-"));
  const path = join(directory, "journal.sqlite");
  const journal = openSqliteJournal({ path, chainId: 1071 });
  const over = address<TaskAddress>(0x9);
  await journal.intake({
    tasks: [
      { task, source },
      { task: over, source },
    ],
    responses: [{ response, task }],
    touched: [],
  });
  await journal.settleTask(over, "closed", "over", 2n);
  const approval: Decision = {
    ...{
      task,
      response,
      kind: "confirm",
      reason: "",
      until: undefined,
      policy: "p",
      policyDigest: "d",
      mode: "shadow",
    },
    ...{ block: { number: 1n, hash: hashOf(1) }, payloadDigest: "", payment: wei(1n), responseDigest: "r", provider },
  };
  await journal.decide([approval, approval], 1);
  await journal.close();
  whole = readFileSync(path);
});
afterAll(() => rmSync(directory, { recursive: true }));

const written = (bytes: Uint8Array | string): string => {
  const path = join(directory, "other.sqlite");
  writeFileSync(path, bytes);
  return path;
};

describe("verifying a journal's file", () => {
  it("finds nothing wrong with a whole one", async () => {
    const checks = await verifyJournal(written(whole));
    expect(checks.flatMap(({ problems }) => problems)).toEqual([]);
    expect(checks.map(({ name }) => name)).toEqual([
      "file",
      "references",
      "confirmations",
      "signed bytes",
      "sums of providers",
    ]);
  });

  it.each<[string, () => Uint8Array | string, RegExp]>([
    ["is cut off within its first page", () => whole.subarray(0, 2_000), /malformed|not a database/],
    ["is cut off in the middle", () => whole.subarray(0, whole.length / 2), /malformed/],
    [
      "has pages of another file",
      () => Buffer.concat([whole.subarray(0, 8_192), Buffer.alloc(whole.length - 8_192, 7)]),
      /./,
    ],
    ["is no database", () => "no journal, whatever its name is".repeat(200), /not a database/],
    ["is empty", () => "", /no such table/],
  ])("says what is wrong with one that %s", async (_what, bytes, said) => {
    const checks = await verifyJournal(written(bytes()));
    expect(checks).toMatchObject([{ name: "file", looked: 1 }]);
    expect(checks[0]?.problems.join("\n")).toMatch(said);
  });

  it.each([
    ["UPDATE provider_histories SET approved = 0", "1 seen, 0 approved and 0 rejected; its verdicts say 1, 1 and 0"],
    ["DELETE FROM provider_histories", "0 seen, 0 approved and 0 rejected; its verdicts say 1, 1 and 0"],
    ["UPDATE provider_histories SET rejected = 2", "1 seen, 1 approved and 2 rejected; its verdicts say 1, 1 and 0"],
    ["UPDATE provider_histories SET approved = 2; UPDATE tasks SET pruned_at = 1 WHERE state = 'closed'", undefined],
    [
      "UPDATE provider_histories SET approved = 0; UPDATE tasks SET pruned_at = 1 WHERE state = 'closed'",
      "its verdicts",
    ],
  ])("compares what it counts of a provider with the verdicts that are left (%s)", async (sql, said) => {
    const path = written(whole);
    const database = new DatabaseSync(path);
    database.exec(sql);
    database.close();
    const problems = (await verifyJournal(path)).flatMap((check) => check.problems);
    if (said === undefined) expect(problems).toEqual([]);
    else expect(problems).toEqual([expect.stringContaining(said)]);
  });

  it("reads one that an older version wrote, which had no such sums", async () => {
    const path = join(directory, "old.sqlite");
    const database = new DatabaseSync(path);
    database.exec(`${migrations.slice(0, 9).join("")} PRAGMA user_version = 9`);
    database.close();
    expect((await verifyJournal(path)).flatMap(({ problems }) => problems)).toEqual([]);
  });

  it("refuses what cannot be opened, as something to correct", async () => {
    const refusal = { code: "JOURNAL_UNUSABLE", exitCode: 78 };
    await expect(verifyJournal(join(directory, "none/journal.sqlite"))).rejects.toMatchObject(refusal);
  });
});
