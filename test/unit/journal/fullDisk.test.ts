import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { temporaryFolder } from "../../support/temporaryFolder.ts";

const source = JSON.stringify(join(import.meta.dirname, "../../../src/journal/sqliteJournal.ts"));
let directory: string;
beforeEach(() => {
  directory = temporaryFolder("full-");
});

/** What a script says on a small disk of its own, which is gone with it. */
const onSmallDisk = (options: string, script: string): string => {
  const mount = `mount -t tmpfs -o ${options} tmpfs "$0" && cd "$0" && exec "$@"`;
  const command = ["--map-root-user", "--mount", "sh", "-c", mount, directory, "sh", "-ec", script];
  return execFileSync("unshare", command, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
};
const isPossible = (() => {
  try {
    execFileSync("unshare", ["--map-root-user", "--mount", "sh", "-c", "mount -t tmpfs tmpfs /tmp"], { stdio: "pipe" });
    return true;
  } catch {
    return false;
  }
})();

const open = (path: string) => {
  const program = `
    const { openSqliteJournal } = await import(${source});
    try {
      await openSqliteJournal({ path: "${path}", chainId: 1071, isLasting: true }).close();
      console.log(JSON.stringify({ code: "opened" }));
    } catch ({ code, message, exitCode, remedy }) {
      console.log(JSON.stringify({ code, message, exitCode, remedy }));
    }`;
  return `'${process.execPath}' --input-type=module -e '${program}'`;
};
const answers = (text: string): readonly Record<string, unknown>[] =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

describe.skipIf(!isPossible)("a disk without room when the daemon starts", () => {
  it("is named, with what is left on it, and waited for", () => {
    const fill = "dd if=/dev/zero of=fill bs=4k 2>/dev/null || true";
    const script = [open("journal.sqlite"), fill, open("journal.sqlite"), "rm fill", open("journal.sqlite")].join("\n");
    const [first, full, again] = answers(onSmallDisk("size=12m", script));
    expect(first).toEqual({ code: "opened" });
    expect(full).toMatchObject({ code: "JOURNAL_UNAVAILABLE", exitCode: 75 });
    expect(full?.message).toContain("the journal journal.sqlite cannot be opened");
    expect(full?.remedy).toContain("(0 bytes and ");
    expect(again).toEqual({ code: "opened" });
  });

  it("is waited for also where it has bytes, and room for no file", () => {
    const fill = "n=0; while touch fill$n 2>/dev/null; do n=$((n+1)); done";
    const script = [open("journal.sqlite"), fill, open("journal.sqlite"), open("new/journal.sqlite")].join("\n");
    const [first, full, fresh] = answers(onSmallDisk("size=12m,nr_inodes=12", script));
    expect(first).toEqual({ code: "opened" });
    expect(full).toMatchObject({ code: "JOURNAL_UNAVAILABLE", exitCode: 75 });
    expect(full?.remedy).toContain(" and 0 files are left)");
    expect(fresh).toMatchObject({ code: "JOURNAL_UNAVAILABLE", exitCode: 75 });
  });
});

describe.skipIf(!isPossible)("a command on a disk without room", () => {
  it("is told of the disk when it asks whether a daemon runs", () => {
    const lock = JSON.stringify(join(import.meta.dirname, "../../../src/journal/journalLock.ts"));
    const program = `
      const { isJournalHeld } = await import(${lock});
      try {
        console.log(JSON.stringify({ code: isJournalHeld("journal.sqlite") }));
      } catch ({ code, exitCode, remedy }) {
        console.log(JSON.stringify({ code, exitCode, remedy }));
      }`;
    const ask = `'${process.execPath}' --input-type=module -e '${program}'`;
    const fill = "dd if=/dev/zero of=fill bs=4k 2>/dev/null || true";
    const [, full] = answers(onSmallDisk("size=12m", [open("journal.sqlite"), fill, ask].join("\n")));
    expect(full).toMatchObject({ code: "JOURNAL_UNAVAILABLE", exitCode: 75 });
    expect(full?.remedy).toContain("free space on its disk (0 bytes and ");
  });
});

describe.skipIf(!isPossible)("a disk that fills while the journal is open", () => {
  const program = (shared: boolean) => `
    const { openSqliteJournal } = await import(${source});
    const { writeFileSync, rmSync } = await import("node:fs");
    const journal = openSqliteJournal({ path: "journal.sqlite", chainId: 1071, shared: ${shared} });
    const take = async () => {
      try {
        for (let turn = 0; turn < 2000; turn++) await journal.takeLease("0x" + turn, "x".repeat(4000), 0, 1);
        console.log(JSON.stringify({ code: "taken" }));
      } catch ({ code, message, exitCode, remedy }) {
        console.log(JSON.stringify({ code, message, exitCode, remedy }));
      }
    };
    try { writeFileSync("fill", Buffer.alloc(16_000_000)); } catch {}
    await take();
    rmSync("fill");
    console.log(JSON.stringify({ left: (await journal.takeLease("0xa", "a daemon", 0, 1)).owner }));
    await journal.close();`;

  it.each([false, true])("is named by what could not be stored, and waited for (shared: %s)", (shared) => {
    const script = `'${process.execPath}' --input-type=module -e '${program(shared)}'`;
    const [full, again] = answers(onSmallDisk("size=12m", script));
    expect(full).toMatchObject({ code: "JOURNAL_UNAVAILABLE", exitCode: 75 });
    expect(full?.message).toMatch(/^the journal .*journal\.sqlite cannot be read or written: /);
    expect(full?.remedy).toMatch(/free space on its disk \(\d+ bytes and /);
    expect(again).toEqual({ left: "a daemon" });
  });
});
