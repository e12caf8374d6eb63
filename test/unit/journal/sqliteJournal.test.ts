import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Journal } from "../../../src/journal/journal.ts";
import { openSqliteJournal } from "../../../src/journal/sqliteJournal.ts";

let directory: string;
let path: string;
let journal: Journal;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "journal-"));
  path = join(directory, "deep", "journal.sqlite");
  journal = openSqliteJournal({ path, chainId: 1071 });
});
afterEach(async () => {
  await journal.close().catch(() => undefined);
  rmSync(directory, { recursive: true });
});

describe("opening a file", () => {
  it("refuses a journal that a later version wrote", async () => {
    await journal.close();
    const database = new DatabaseSync(path);
    database.exec("PRAGMA user_version = 99");
    database.close();
    expect(() => openSqliteJournal({ path, chainId: 1071 })).toThrow(/version 99/);
  });

  it("refuses a file that is no journal, and leaves it alone", () => {
    const file = join(directory, "notes.txt");
    writeFileSync(file, "not a database, but long enough to be read as one".repeat(40));
    expect(() => openSqliteJournal({ path: file, chainId: 1071 })).toThrow(/cannot be opened/);
  });

  it("refuses a place that cannot be written to", () => {
    const file = join(directory, "file");
    writeFileSync(file, "");
    chmodSync(file, 0o400);
    expect(() => openSqliteJournal({ path: join(file, "journal.sqlite"), chainId: 1071 })).toThrow(/cannot be opened/);
    expect(existsSync(join(file, "journal.sqlite"))).toBe(false);
  });

  it("is free again after its holder was killed", async () => {
    await journal.close();
    const program = `
      const { openSqliteJournal } = await import(${JSON.stringify(join(import.meta.dirname, "../../../src/journal/sqliteJournal.ts"))});
      openSqliteJournal({ path: ${JSON.stringify(path)}, chainId: 1071 });
      process.kill(process.pid, "SIGKILL");`;
    expect(() => execFileSync(process.execPath, ["--input-type=module", "-e", program], { stdio: "pipe" })).toThrow();
    journal = openSqliteJournal({ path, chainId: 1071 });
    expect(await journal.openTasks(undefined, 10)).toEqual([]);
  });
});
