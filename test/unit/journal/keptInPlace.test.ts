import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { FatalError } from "../../../src/errors.ts";
import type { Journal } from "../../../src/journal/journal.ts";
import { openSqliteJournal } from "../../../src/journal/sqliteJournal.ts";
import { temporaryFolder } from "../../support/temporaryFolder.ts";

let directory: string;
let path: string;
let journal: Journal;
let lost: FatalError[];
const open = (at = path) => openSqliteJournal({ path: at, chainId: 1071, onLost: (error) => lost.push(error) });
beforeEach(() => {
  directory = temporaryFolder("kept-");
  mkdirSync(join(directory, "folder"));
  path = join(directory, "folder", "journal.sqlite");
  lost = [];
  journal = open();
});
afterEach(async () => {
  vi.useRealTimers();
  await journal.close();
});

function replace(): void {
  copyFileSync(path, `${path}.new`);
  renameSync(`${path}.new`, path);
}

it.each([
  ["is removed", () => rmSync(path)],
  ["is replaced by a copy", replace],
  ["is moved with its folder", () => renameSync(join(directory, "folder"), join(directory, "elsewhere"))],
  ["loses its log", () => rmSync(`${path}-wal`)],
  ["loses its index", () => rmSync(`${path}-shm`)],
])("takes nothing more where its file %s, and says so once", async (_, meddle) => {
  await journal.close();
  vi.useFakeTimers({ toFake: ["performance"] });
  journal = open();
  await journal.touch(1);
  meddle();
  vi.advanceTimersByTime(1_000);
  for (const now of [2, 3])
    await expect(journal.touch(now)).rejects.toThrow(expect.objectContaining({ code: "JOURNAL_GONE", exitCode: 70 }));
  expect(lost.map(({ code }) => code)).toEqual(["JOURNAL_GONE"]);
});

/** As `cp` does it: the file stays, and its bytes are others. Another process, for locks are by process. */
const overwrite = (by: string) => execFileSync("cp", [by, path]);

const copyPath = () => join(directory, "copy.sqlite");
const openOther = async () => {
  await openSqliteJournal({ path: join(directory, "other.sqlite"), chainId: 1071 }).close();
  return join(directory, "other.sqlite");
};

/** As SQLite does by itself when its log has a thousand pages. */
function bringIntoFile(): void {
  const beside = new DatabaseSync(path);
  beside.exec("PRAGMA wal_checkpoint(FULL)");
  beside.close();
}

it.each([
  ["a copy of before this start", async () => copyPath()],
  ["another journal", openOther],
  ["nothing", async () => "/dev/null"],
  [
    "a backup of this run",
    async () => {
      const path = join(directory, "backup.sqlite");
      await journal.backup(path);
      return path;
    },
  ],
])("takes nothing more where its file is overwritten by %s", async (_, prepare) => {
  await journal.close();
  copyFileSync(path, copyPath());
  vi.useFakeTimers({ toFake: ["performance"] });
  journal = open();
  const by = await prepare();
  for (const seconds of [10, 20]) {
    vi.advanceTimersByTime(10_000);
    await journal.touch(seconds);
    bringIntoFile();
  }
  overwrite(by);
  vi.advanceTimersByTime(1_000);
  await expect(journal.touch(3)).rejects.toMatchObject({ code: "JOURNAL_GONE" });
  expect(lost.map(({ code }) => code)).toEqual(["JOURNAL_GONE"]);
});

it("goes on where others open and close the journal, copy it, or come by a link", async () => {
  const link = join(directory, "link.sqlite");
  symlinkSync(path, link);
  for (const at of [path, link]) {
    const command = openSqliteJournal({ path: at, chainId: 1071, shared: true });
    await command.touch(1);
    await command.close();
  }
  await sleep(1_000);
  await journal.touch(1);
  await journal.backup(join(directory, "copy.sqlite"));
  await journal.compact(100);
  await journal.close();
  journal = open(link);
  await sleep(1_000);
  await journal.touch(2);
  expect(lost).toEqual([]);
});
