import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { placeWhole } from "../../journal/placeWhole.ts";
import type { UpkeepJournal } from "../../journal/upkeepJournal.ts";
import { verifyInThread } from "./verifyBackup.ts";

export type BackupOptions = {
  readonly directory: string;
  /** Copies to keep, the newest. */
  readonly keep: number;
};

export type Backup = { readonly path: string; readonly bytes: number; readonly rows: number };

const pattern = /^journal-\d{8}T\d{6}Z\.sqlite$/;

/**
 * Copies the journal while it is in use, proves the copy (integrity, references, rows) and only then gives it its name
 * and removes the oldest. A copy that cannot be proven is removed, and the ones before stay.
 *
 * @throws Error that says what is wrong with the copy.
 */
export async function backupJournal(
  journal: Pick<UpkeepJournal, "backup">,
  { directory, keep }: BackupOptions,
  now: number,
): Promise<Backup> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const left of readdirSync(directory)) if (left.includes(".sqlite.part")) rmSync(join(directory, left));
  const stamp = new Date(now).toISOString().replace(/[-:]|\.\d+/g, "");
  const path = join(directory, `journal-${stamp}.sqlite`);
  const rows = await placeWhole(path, `${path}.part`, async (part) => {
    await journal.backup(part);
    return verifyInThread(part);
  });
  const old = readdirSync(directory)
    .filter((name) => pattern.test(name))
    .sort()
    .slice(0, -keep);
  for (const name of old) rmSync(join(directory, name));
  return { path, bytes: statSync(path).size, rows };
}
