import { spawnSync } from "node:child_process";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, it } from "vitest";
import { temporaryFolder } from "../support/temporaryFolder.ts";

let directory: string;
beforeEach(() => {
  directory = temporaryFolder("folder-");
});

const source = (name: string) => JSON.stringify(join(import.meta.dirname, "../../src", name));

/** In a process of its own: what never ends cannot be stopped from within. */
function saidOf(script: string): string {
  const { stdout, error } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { timeout: 20_000 });
  if (error !== undefined) throw error;
  return stdout.toString().trim();
}

const tryIt = (call: string) => `try { ${call}; console.log("made") } catch (error) { console.log(error.code) }`;

const inFolder = (path: string) =>
  saidOf(
    `import { makeFolder } from ${source("makeFolder.ts")}; ${tryIt(`makeFolder(${JSON.stringify(path)}), makeFolder(${JSON.stringify(path)})`)}`,
  );

it("makes a folder with those above it, for its user alone, also where it is there", () => {
  const path = join(directory, "a/b/c");
  expect(inFolder(path)).toBe("made");
  expect([path, join(directory, "a")].map((each) => statSync(each).mode & 0o777)).toEqual([0o700, 0o700]);
});

it.runIf(process.platform === "linux")("ends where no folder can be made", () => {
  writeFileSync(join(directory, "file"), "");
  expect(["/proc/nobody/deep", "/dev/null/deep", join(directory, "file/deep")].map(inFolder)).toEqual([
    "ENOENT",
    "ENOTDIR",
    "ENOTDIR",
  ]);
});

it.runIf(process.platform === "linux")("has a journal refused in a place where no folder can be made", () => {
  const call = `openSqliteJournal({ path: "/proc/nobody/journal.sqlite", chainId: 1071 })`;
  expect(saidOf(`import { openSqliteJournal } from ${source("journal/sqliteJournal.ts")}; ${tryIt(call)}`)).toBe(
    "JOURNAL_UNUSABLE",
  );
});
