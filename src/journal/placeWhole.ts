import { renameSync, rmSync } from "node:fs";

/** SQLite puts these beside a file that it writes. */
const ends = ["", "-wal", "-shm", "-journal"];

/**
 * Has a database's file made beside its place, and gives it its name once that is done: no half of one ever has it, and
 * nothing is left where it fails.
 *
 * @param part Where it is made: in the folder of `path`, and nobody else's. @throws what `make` throws, or the file system.
 */
export async function placeWhole<T>(path: string, part: string, make: (part: string) => Promise<T>): Promise<T> {
  try {
    const made = await make(part);
    renameSync(part, path);
    return made;
  } finally {
    for (const end of ends) rmSync(`${part}${end}`, { force: true });
  }
}
