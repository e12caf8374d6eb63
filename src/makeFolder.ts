import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes a folder that nobody else may look into, and those above it, where they are missing. Node's own way tries for ever, and takes the
 * whole processor, where a folder is there and nothing can be made in it, as in `/proc`.
 *
 * @throws what the system says of the first that cannot be made.
 */
export function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
