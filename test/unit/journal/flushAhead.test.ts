import { readdirSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { beforeEach, expect, it } from "vitest";
import { flushAhead } from "../../../src/journal/flushAhead.ts";
import { openSqliteJournal } from "../../../src/journal/sqliteJournal.ts";
import { temporaryFolder } from "../../support/temporaryFolder.ts";

let directory: string;
beforeEach(() => {
  directory = temporaryFolder("flush-");
});

const isOpen = (file: string): boolean =>
  readdirSync("/proc/self/fd").some((each) => {
    try {
      return readlinkSync(`/proc/self/fd/${each}`).startsWith(file);
    } catch {
      return false;
    }
  });
const untilClosed = async (file: string) => {
  while (isOpen(file)) await turn();
};

it("begins nothing where there is no log, and does once there is one", async () => {
  const log = join(directory, "log");
  const { begin, end } = flushAhead(log);
  begin();
  expect(isOpen(log)).toBe(false);
  writeFileSync(log, "frames");
  begin();
  expect(isOpen(log)).toBe(true);
  end();
  begin();
  await untilClosed(log);
  expect(isOpen(log)).toBe(false);
});

it("closes its file when the journal is closed while it is at work, and what was stored is there", async () => {
  const path = join(directory, "journal.sqlite");
  const [task, response] = [`0x${"1".repeat(40)}`, `0x${"2".repeat(40)}`] as never[] as [never, never];
  const open = () => openSqliteJournal({ path, chainId: 1071, isLasting: true });
  const journal = open();
  await journal.intake({ tasks: [{ task, source: `0x${"9".repeat(40)}` as never }], responses: [], touched: [] });
  await journal.intake({ tasks: [], responses: [{ response, task }], touched: [] });
  expect(isOpen(`${path}-wal`)).toBe(true);
  await journal.close();
  await untilClosed(`${path}-wal`);
  const again = open();
  expect((await again.task(task))?.responses).toEqual([response]);
  await again.close();
  await untilClosed(`${path}-wal`);
});
