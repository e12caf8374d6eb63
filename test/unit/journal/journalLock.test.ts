import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, it } from "vitest";
import { isJournalHeld, lockJournal } from "../../../src/journal/journalLock.ts";
import { openSqliteJournal } from "../../../src/journal/sqliteJournal.ts";
import { temporaryFolder } from "../../support/temporaryFolder.ts";

const source = JSON.stringify(join(import.meta.dirname, "../../../src/journal/sqliteJournal.ts"));
let directory: string;
let path: string;
beforeEach(() => {
  directory = temporaryFolder("lock-");
  path = join(directory, "journal.sqlite");
});

/** What opening the journal says in a process of its own, without root's rights. @param shell What starts that process. */
const openElsewhere = (shell = 'exec "$@"') => {
  const program = `
    const { openSqliteJournal } = await import(${source});
    if (process.getuid() === 0) process.setuid(65534);
    try {
      openSqliteJournal({ path: ${JSON.stringify(path)}, chainId: 1071 });
      console.log(JSON.stringify({ code: "opened" }));
    } catch ({ code, message, exitCode }) {
      console.log(JSON.stringify({ code, message, exitCode }));
    }`;
  const node = [process.execPath, "--input-type=module", "-e", program];
  return JSON.parse(execFileSync("sh", ["-c", shell, "sh", ...node], { encoding: "utf8" }));
};

it("is one lock for a journal and for a link to it", async () => {
  const journal = openSqliteJournal({ path, chainId: 1071 });
  const link = join(directory, "link.sqlite");
  symlinkSync(path, link);
  expect(isJournalHeld(link)).toBe(true);
  expect(() => openSqliteJournal({ path: link, chainId: 1071 })).toThrow(
    expect.objectContaining({ code: "JOURNAL_LOCKED" }),
  );
  await journal.close();
  expect(isJournalHeld(link)).toBe(false);
  expect(existsSync(`${link}.lock`)).toBe(false);
});

it("refuses a lock that may only be read: two daemons would hold the journal by it", () => {
  chmodSync(directory, 0o777);
  writeFileSync(`${path}.lock`, "");
  chmodSync(`${path}.lock`, 0o444);
  const said = openElsewhere();
  expect(said).toMatchObject({ code: "JOURNAL_UNUSABLE", exitCode: 78 });
  expect(said.message).toContain(`${path}.lock`);
});

it("blames no other process where the disk takes no lock", () => {
  chmodSync(directory, 0o777);
  expect(openElsewhere('ulimit -f 0; exec "$@"')).toMatchObject({ code: "JOURNAL_UNAVAILABLE", exitCode: 75 });
});

it("is free again when it is given back", () => {
  const unlock = lockJournal(path);
  expect(isJournalHeld(path)).toBe(true);
  unlock();
  expect(isJournalHeld(path)).toBe(false);
});
