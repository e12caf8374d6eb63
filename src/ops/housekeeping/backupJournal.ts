import { randomBytes } from "node:crypto";
import { readdirSync, rmSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { placeWhole } from "../../journal/placeWhole.ts";
import type { UpkeepJournal } from "../../journal/upkeepJournal.ts";
import { makeFolder } from "../../makeFolder.ts";
import { verifyInThread } from "./verifyBackup.ts";

type BackupOptions = {
  readonly directory: string;
  /** Copies to keep, the newest. */
  readonly keep: number;
  readonly chainId: number;
};

type Backup = { readonly path: string; readonly bytes: number; readonly rows: number };

/**
 * Copies the journal while it is in use, proves the copy (integrity, references, rows) and only then gives it its name
 * and removes the oldest of this journal. A copy that cannot be proven is removed, and the ones before stay.
 *
 * @throws Error that says what is wrong with the copy.
 */
export async function backupJournal(
  journal: Pick<UpkeepJournal, "backup" | "identity">,
  { directory, keep, chainId }: BackupOptions,
  now: number,
): Promise<Backup> {
  makeFolder(directory);
  const owner = `${chainId}-${await journal.identity(randomBytes(4).toString("hex"))}`;
  const own = () => copiesOf(directory, owner);
  for (const { name, isPart } of own()) if (isPart) rmSync(join(directory, name));
  const stamp = new Date(now).toISOString().replace(/[-:]|\.\d+/g, "");
  const path = join(directory, `journal-${owner}-${stamp}.sqlite`);
  const rows = await placeWhole(path, `${path}.part`, async (part) => {
    await journal.backup(part);
    return verifyInThread(part);
  });
  // The others alone: a clock that was ahead has named some after times to come.
  const others = own().filter(({ name, isPart }) => !isPart && name !== basename(path));
  for (const { name } of others.slice(0, Math.max(0, others.length + 1 - keep))) rmSync(join(directory, name));
  return { path, bytes: statSync(path).size, rows };
}

type Copy = {
  readonly name: string;
  /** The chain, and the journal's identity; copies of former versions have none. */
  readonly owner: string | undefined;
  readonly stamp: string;
  /** It was not finished. */
  readonly isPart: boolean;
};

const pattern = /^journal-(?:(\d+-[0-9a-f]{8})-)?(\d{8}T\d{6}Z)\.sqlite(\.part.*)?$/;

/**
 * A journal's copies, oldest first. Other daemons may have theirs in the same folder; so a copy that names no journal is
 * this one's only where no other has any.
 */
function copiesOf(directory: string, owner: string): readonly Copy[] {
  const all = readdirSync(directory).flatMap((name): Copy[] => {
    const [, named, stamp, part] = pattern.exec(name) ?? [];
    return stamp === undefined ? [] : [{ name, owner: named, stamp, isPart: part !== undefined }];
  });
  const isAlone = all.every((copy) => copy.owner === undefined || copy.owner === owner);
  return all
    .filter((copy) => copy.owner === owner || (isAlone && copy.owner === undefined))
    .sort((a, b) => (age(a) < age(b) ? -1 : 1));
}

/** Of one second, those of former versions are the older ones. */
const age = ({ stamp, owner = "" }: Copy): string => `${stamp} ${owner}`;
