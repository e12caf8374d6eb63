import { execFileSync } from "node:child_process";
import { statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { beforeEach, describe, expect, it } from "vitest";
import { growLog } from "../../../src/journal/growLog.ts";
import { openSqliteJournal } from "../../../src/journal/sqliteJournal.ts";
import { temporaryFolder } from "../../support/temporaryFolder.ts";

const source = JSON.stringify(join(import.meta.dirname, "../../../src/journal/sqliteJournal.ts"));
let directory: string;
let path: string;

beforeEach(() => {
  directory = temporaryFolder("log-");
  path = join(directory, "journal.sqlite");
});

const logLength = () => statSync(`${path}-wal`).size;
const open = (isLasting: boolean) => openSqliteJournal({ path, chainId: 1071, isLasting });
const taskOf = (n: number) => `0x${n.toString(16).padStart(40, "0")}` as never;
const seen = (n: number) => ({
  tasks: [{ task: taskOf(n), source: taskOf(9) }],
  responses: [],
  touched: [],
});

describe("the log of a journal that lasts", () => {
  it("gives the disk back what it took while somebody read for long, such as a backup", async () => {
    const journal = open(true);
    const reader = new DatabaseSync(path);
    reader.exec("BEGIN; SELECT * FROM meta");
    const writer = new DatabaseSync(path);
    writer.exec("INSERT INTO meta (key, value) VALUES ('much', hex(zeroblob(12000000)))");
    writer.close();
    await journal.intake(seen(1));
    expect(logLength()).toBeGreaterThan(24_000_000);
    reader.close();
    for (const n of [2, 3]) await journal.intake(seen(n));
    expect(logLength()).toBeLessThanOrEqual(16 * 2 ** 20);
    expect((await journal.knownTasks([taskOf(1), taskOf(2), taskOf(3)])).size).toBe(3);
    await journal.close();
  });

  it("has its full length from the start, and keeps it through checkpoints", async () => {
    const journal = open(true);
    const full = logLength();
    expect(full).toBeGreaterThan(4_000_000);
    for (let n = 0; n < 1_500; n++) await journal.intake(seen(n));
    expect(logLength()).toBe(full);
    expect((await journal.openTasks(undefined, 2_000)).length).toBe(1_500);
    await journal.close();
    const again = open(false);
    expect((await again.openTasks(undefined, 2_000)).length).toBe(1_500);
    await again.close();
  });

  it("is read back whole after a kill, and ends where the last commit ended", async () => {
    const program = `
      const { openSqliteJournal } = await import(${source});
      const journal = openSqliteJournal({ path: ${JSON.stringify(path)}, chainId: 1071, isLasting: true });
      const task = (n) => "0x" + n.toString(16).padStart(40, "0");
      for (let n = 0; n < 50; n++)
        await journal.intake({ tasks: [{ task: task(n), source: task(9) }], responses: [], touched: [] });
      process.kill(process.pid, "SIGKILL");`;
    expect(() => execFileSync(process.execPath, ["--input-type=module", "-e", program], { stdio: "pipe" })).toThrow();
    expect(logLength()).toBeGreaterThan(4_000_000);
    const journal = open(true);
    expect((await journal.openTasks(undefined, 100)).length).toBe(50);
    await journal.close();
  });

  it("is read back whole where a crash came in the middle of its growing", async () => {
    const first = open(false);
    await first.intake(seen(1));
    const database = new DatabaseSync(path);
    growLog(database, path);
    truncateSync(`${path}-wal`, logLength() - 2_000_003);
    const looked = database.prepare("SELECT count(*) AS n FROM tasks").get();
    expect(looked?.n).toBe(1);
    database.close();
    await first.intake(seen(2));
    expect((await first.openTasks(undefined, 10)).length).toBe(2);
    await first.close();
  });

  it("is left as it is while somebody else writes, whose frames it would overwrite", async () => {
    const journal = open(false);
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    other.prepare("INSERT INTO tasks (task, source) VALUES (?, ?)").run(taskOf(1), taskOf(9));
    const database = new DatabaseSync(path);
    const before = logLength();
    expect(() => growLog(database, path)).toThrow(/locked/);
    expect(logLength()).toBe(before);
    other.exec("COMMIT");
    growLog(database, path);
    expect(logLength()).toBeGreaterThan(4_000_000);
    expect(await journal.openTasks(undefined, 10)).toEqual([taskOf(1)]);
    for (const each of [other, database]) each.close();
    await journal.close();
  });
});
