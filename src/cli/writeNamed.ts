import { BaseError, ConfigError } from "../errors.ts";

/** SQLite's own: read only, full, cannot be opened. Its others speak of the journal that is read. */
const unwritable: ReadonlySet<number> = new Set([8, 13, 14]);

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
    if (syscall === undefined && !unwritable.has(errcode & 0xff)) throw error;
    throw new ConfigError(`${path} cannot be written: ${error.message}`, {
      code: "FILE_UNWRITABLE",
      remedy: "name a file in a folder that is there, that you may write to, and that has room",
      cause: error,
    });
  }
}
