import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Journal } from "../../../src/journal/journal.ts";
import { lockJournal } from "../../../src/journal/journalLock.ts";
import { migrations } from "../../../src/journal/migrations.ts";
import { openSqliteJournal } from "../../../src/journal/sqliteJournal.ts";
import type { TaskAddress } from "../../../src/protocol/brand.ts";
import { temporaryFolder } from "../../support/temporaryFolder.ts";

let directory: string;
let path: string;
let journal: Journal;

beforeEach(() => {
  directory = temporaryFolder("journal-");
  path = join(directory, "deep", "journal.sqlite");
  journal = openSqliteJournal({ path, chainId: 1071 });
});
afterEach(async () => {
  await journal.close().catch(() => undefined);
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

  it("says of a damaged journal that a backup takes its place, and nothing of who may write there", async () => {
    await journal.close();
    truncateSync(path, 8_192);
    expect(() => openSqliteJournal({ path, chainId: 1071 })).toThrow(
      expect.objectContaining({ code: "JOURNAL_UNUSABLE", remedy: expect.stringMatching(/^(?!.*writable).*backup/) }),
    );
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

  it("brings a journal of version 7 up with every attempt, in order, and the guards around them", async () => {
    await beginWithVersion7(`
      INSERT INTO tasks (task, source) VALUES ('0x01', '0x02');
      INSERT INTO verdicts (id, task, response, kind, reason, policy, policy_digest, mode, block_number, block_hash,
        payload_digest, payment, response_digest, decided_at)
      VALUES (1, '0x01', '0x03', 'confirm', 'eligible', 'p', 'd', 'enforce', 7, '0x07', '', '5', 'r', 1);
      INSERT INTO confirmations (id, task, response, verdict_id, payment, response_digest, state, nonce)
      VALUES (1, '0x01', '0x03', 1, '5', 'r', 'broadcast', 4);
      INSERT INTO nonces VALUES ('0xd1', 4, 1);
      INSERT INTO attempts VALUES ('0xbb', 1, 0, 'confirm', 4, '0x02b0', 100, '0xd1'), ('0xaa', 1, 1, 'cancel', 4, '0x02a0', 200, NULL);`);
    journal = openSqliteJournal({ path, chainId: 1071 });
    expect(await journal.unsettled()).toMatchObject([
      {
        attempts: [
          { hash: "0xbb", kind: "confirm", nonce: 4, raw: "0x02b0", signedAt: 100, signer: "0xd1" },
          { hash: "0xaa", kind: "cancel", nonce: 4, raw: "0x02a0", signedAt: 200, signer: undefined },
        ],
      },
    ]);
    await expect(journal.changeConfirmation(1, { state: "rejected" })).rejects.toThrow(/cannot be rejected/);
  });

  it("knows of a journal of version 7 what a person had withdrawn there, by the words of its reason", async () => {
    await beginWithVersion7(`
      INSERT INTO tasks (task, source) VALUES ('0x01', '0x02');
      INSERT INTO verdicts (id, task, response, kind, reason, policy, policy_digest, mode, block_number, block_hash,
        payload_digest, payment, response_digest, decided_at)
      VALUES (1, '0x01', '0x03', 'confirm', 'eligible', 'p', 'd', 'enforce', 7, '0x07', '', '5', 'r', 1),
        (2, '0x01', '0x04', 'confirm', 'eligible', 'p', 'd', 'enforce', 7, '0x07', '', '5', 's', 1);
      INSERT INTO confirmations (id, task, response, verdict_id, payment, response_digest, state, reason)
      VALUES (1, '0x01', '0x03', 1, '5', 'r', 'rejected', 'withdrawn by ann: it pays for nothing'),
        (2, '0x01', '0x04', 2, '5', 's', 'rejected', 'a reorg took the response back');`);
    journal = openSqliteJournal({ path, chainId: 1071 });
    expect((await journal.task("0x01" as TaskAddress))?.withdrawn).toEqual([{ response: "0x03", responseDigest: "r" }]);
  });

  it("is not migrated under the daemon that holds it, by a command or by another daemon, and is when it is free", async () => {
    await beginWithVersion7();
    const unlock = lockJournal(path);
    expect(() => openSqliteJournal({ path, chainId: 1071, shared: true })).toThrow(
      expect.objectContaining({ code: "JOURNAL_OLDER", message: expect.stringContaining("has version 7") }),
    );
    expect(() => openSqliteJournal({ path, chainId: 1071 })).toThrow(
      expect.objectContaining({ code: "JOURNAL_LOCKED" }),
    );
    expect(versionNow()).toBe(7);
    unlock();
    journal = openSqliteJournal({ path, chainId: 1071, shared: true });
    expect(versionNow()).toBe(migrations.length);
    // The command has not kept the lock.
    await openSqliteJournal({ path, chainId: 1071 }).close();
  });

  it("is free again where its opening failed", async () => {
    await journal.close();
    expect(() => openSqliteJournal({ path, chainId: 1 })).toThrow(/belongs to chain 1071/);
    journal = openSqliteJournal({ path, chainId: 1071 });
  });
});

/** Puts a journal of version 7 in the place of the one that is open. */
async function beginWithVersion7(rows = ""): Promise<void> {
  await journal.close();
  rmSync(join(directory, "deep"), { recursive: true });
  mkdirSync(join(directory, "deep"));
  const database = new DatabaseSync(path);
  for (const sql of migrations.slice(0, 7)) database.exec(sql);
  database.exec(`PRAGMA user_version = 7; ${rows}`);
  database.close();
}

function versionNow(): unknown {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return database.prepare("PRAGMA user_version").get()?.user_version;
  } finally {
    database.close();
  }
}
