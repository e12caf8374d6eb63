import { execFileSync } from "node:child_process";
import { closeSync, copyFileSync, openSync, readdirSync, readlinkSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { beforeEach, describe, expect, it } from "vitest";
import { FatalError } from "../../../src/errors.ts";
import { openSqliteJournal } from "../../../src/journal/sqliteJournal.ts";
import { sqliteStore } from "../../../src/journal/sqliteStore.ts";
import { syncedLog } from "../../../src/journal/syncedLog.ts";
import { type Durability, run } from "../../../src/journal/work.ts";
import { temporaryFolder } from "../../support/temporaryFolder.ts";

const source = JSON.stringify(join(import.meta.dirname, "../../../src/journal/sqliteJournal.ts"));
let directory: string;
let path: string;
beforeEach(() => {
  directory = temporaryFolder("synced-");
  path = join(directory, "journal.sqlite");
});

/** What this process has a file open by, in the order in which it was opened where nothing was closed between. */
const descriptorsOf = (file: string): readonly number[] =>
  readdirSync("/proc/self/fd")
    .filter((each) => {
      try {
        return readlinkSync(`/proc/self/fd/${each}`) === file;
      } catch {
        return false;
      }
    })
    .map(Number)
    .toSorted((a, b) => a - b);
const synchronousOf = (database: DatabaseSync) => database.prepare("PRAGMA synchronous").get()?.synchronous;
const [full, normal] = [2, 1];

function openTable(mode: "wal" | "delete"): DatabaseSync {
  const database = new DatabaseSync(path);
  database.exec(`PRAGMA journal_mode = ${mode}; PRAGMA synchronous = FULL; CREATE TABLE notes (n INTEGER)`);
  return database;
}

describe("what must be on the disk when a method answers", () => {
  it("is brought there after it is committed, and what may come later is not waited for", async () => {
    const database = openTable("wal");
    const other = new DatabaseSync(path);
    const log = syncedLog(database);
    const committedBySync: unknown[] = [];
    const check = () => log?.check();
    const sync = () => {
      log?.sync();
      committedBySync.push(other.prepare("SELECT max(n) AS n FROM notes").get()?.n);
    };
    const { write } = sqliteStore({ database, log: { check, sync } });
    const note = (n: number, durability?: Durability) =>
      write(() => run("INSERT INTO notes VALUES (?)", n), durability);
    await note(1);
    await note(2, "with the next");
    await note(3, "on its way");
    await note(4, "now");
    expect(committedBySync).toEqual([1, 4]);
    await expect(write(() => run("INSERT INTO nothing VALUES (5)"))).rejects.toThrow(/nothing/);
    expect(committedBySync).toEqual([1, 4]);
    for (const each of [other, database]) each.close();
    log?.close();
  });

  it("ends the daemon if the disk does not take it: nothing may rest on it, and nothing is written behind it", async () => {
    const lost: unknown[] = [];
    const journal = openSqliteJournal({ path, chainId: 1071, onLost: (error) => lost.push(error) });
    await journal.touch(1);
    const own = descriptorsOf(`${path}-wal`).at(-1) ?? 0;
    closeSync(own);
    const stored = journal.touch(2);
    await expect(stored).rejects.toThrow(FatalError);
    await expect(stored).rejects.toMatchObject({ code: "JOURNAL_UNSYNCED", cause: { code: "EBADF" } });
    // Asked again, a system may say that all is well.
    expect(openSync(`${path}-wal`, "r+")).toBe(own);
    await expect(journal.setPause({ by: "operator", who: "ann", why: "the disk", at: 3 })).rejects.toMatchObject({
      code: "JOURNAL_UNSYNCED",
    });
    await expect(journal.intake({ tasks: [], responses: [], touched: [] })).rejects.toThrow(FatalError);
    expect(await journal.pause()).toBeUndefined();
    expect(lost).toEqual([expect.objectContaining({ code: "JOURNAL_UNSYNCED" })]);
    await journal.close();
  });

  it("is brought into the file itself, where a former daemon left it in the log, before anything is written behind it", async () => {
    const program = `
      const { openSqliteJournal } = await import(${source});
      const journal = openSqliteJournal({ path: ${JSON.stringify(path)}, chainId: 1071, isLasting: true });
      await journal.setPause({ by: "operator", who: "ann", why: "a kill", at: 3 });
      process.kill(process.pid, "SIGKILL");`;
    expect(() => execFileSync(process.execPath, ["--input-type=module", "-e", program], { stdio: "pipe" })).toThrow();
    const pauseInFile = () => {
      const copy = join(directory, "copy.sqlite");
      copyFileSync(path, copy);
      const database = new DatabaseSync(copy);
      try {
        const hasTable = database.prepare("SELECT name FROM sqlite_master WHERE name = 'pauses'").get() !== undefined;
        return hasTable ? database.prepare("SELECT why FROM pauses").get()?.why : undefined;
      } finally {
        database.close();
      }
    };
    const shared = openSqliteJournal({ path, chainId: 1071, shared: true });
    expect(pauseInFile()).toBeUndefined();
    const journal = openSqliteJournal({ path, chainId: 1071 });
    expect(pauseInFile()).toBe("a kill");
    for (const each of [shared, journal]) await each.close();
  });
});

describe("the log that is brought to the disk", () => {
  it("is left to SQLite, at each commit, where the file has none", () => {
    const database = openTable("delete");
    expect(syncedLog(database)).toBeUndefined();
    expect(synchronousOf(database)).toBe(full);
    database.close();
  });

  it("is taken over from SQLite for commits alone", () => {
    const database = openTable("wal");
    const log = syncedLog(database);
    expect(synchronousOf(database)).toBe(normal);
    database.close();
    log?.close();
  });

  it("is the one that SQLite writes, also where the journal's path is a link, and is closed with the journal", async () => {
    const link = join(directory, "link.sqlite");
    symlinkSync(path, link);
    const journal = openSqliteJournal({ path: link, chainId: 1071, isLasting: true });
    // SQLite's, and ours.
    expect(descriptorsOf(`${path}-wal`)).toHaveLength(2);
    expect(descriptorsOf(`${link}-wal`)).toEqual([]);
    await journal.touch(Date.now());
    await journal.close();
    expect(descriptorsOf(`${path}-wal`)).toEqual([]);
  });
});
