import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSqliteJournal } from "../../../src/journal/sqliteJournal.ts";
import { verifyJournal } from "../../../src/journal/verifyJournal.ts";
import { response, source, task } from "../../support/fakeChain.ts";

let directory: string;
let whole: Buffer;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "verify-"));
  const path = join(directory, "journal.sqlite");
  const journal = openSqliteJournal({ path, chainId: 1071 });
  await journal.intake({ tasks: [{ task, source }], responses: [{ response, task }], touched: [] });
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
    expect(checks.map(({ name }) => name)).toEqual(["file", "references", "confirmations", "signed bytes"]);
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

  it("refuses what cannot be opened, as something to correct", async () => {
    const refusal = { code: "JOURNAL_UNUSABLE", exitCode: 78 };
    await expect(verifyJournal(join(directory, "none/journal.sqlite"))).rejects.toMatchObject(refusal);
  });
});
