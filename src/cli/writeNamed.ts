import { BaseError, ConfigError } from "../errors.ts";

/** SQLite's own: read only, full, cannot be opened. Its others speak of the journal that is read. */
const unwritable: ReadonlySet<number> = new Set([8, 13, 14]);
/** Of input and output that failed, what writes: a quota that is used up, for one. The journal is only read meanwhile. */
const unwritten: ReadonlySet<number> = new Set([778, 1034]);

/**
 * Writes a file at a path that the operator gave.
 * @throws ConfigError `FILE_UNWRITABLE` where that cannot be done there.
 */
export async function writeNamed(path: string, write: () => unknown): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!(error instanceof Error) || error instanceof BaseError) throw error;
    const { syscall, errcode = 0 } = error as NodeJS.ErrnoException & { readonly errcode?: number };
    if (syscall === undefined && !unwritable.has(errcode & 0xff) && !unwritten.has(errcode)) throw error;
    throw new ConfigError(`${path} cannot be written: ${error.message}`, {
      code: "FILE_UNWRITABLE",
      remedy: "name a file in a folder that is there, that you may write to, and that has room",
      cause: error,
    });
  }
}
