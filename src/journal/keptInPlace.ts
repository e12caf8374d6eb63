import { statSync } from "node:fs";
import { FatalError } from "../errors.ts";

/** What SQLite writes to while a connection is open; none of them is made anew meanwhile. */
const ends = ["", "-wal", "-shm"];

/** They are not looked at again for so long: where the processor had other work, a look takes a tenth of a millisecond. */
const restMs = 1_000;

const identityOf = (file: string): string => {
  const found = statSync(file, { throwIfNoEntry: false });
  return found === undefined ? "none" : `${found.dev} ${found.ino}`;
};

/**
 * Whether the files of an open journal are still those that stand at its place. SQLite writes on into one that was removed, replaced or
 * overwritten, and says that all is well: what is signed then is gone when the daemon ends, and a command beside it works on other files.
 *
 * @param isOurs Whether what stands in its file is the journal's. @default not looked at
 * @param onLost Told of that, once: whoever writes must end.
 * @returns to be asked before each write. @throws FatalError `JOURNAL_GONE`, from then on.
 */
export function keptInPlace(
  path: string,
  isOurs: () => boolean = () => true,
  onLost: (error: FatalError) => void = () => undefined,
): () => void {
  const files = ends.map((end) => `${path}${end}`);
  const before = files.map(identityOf);
  let lost: FatalError | undefined;
  let lookedAt = performance.now();
  const findGone = (): string | undefined => {
    if (lost || performance.now() - lookedAt < restMs) return undefined;
    lookedAt = performance.now();
    return files.find((file, index) => identityOf(file) !== before[index]) ?? (isOurs() ? undefined : path);
  };
  return () => {
    const gone = findGone();
    if (gone !== undefined) {
      lost = new FatalError(
        `${gone} was removed, replaced or overwritten while the journal was open: nothing more is written to it`,
        {
          code: "JOURNAL_GONE",
          remedy:
            "put the journal back (see the runbook), and see who did that; started again, the daemon takes what it finds",
        },
      );
      onLost(lost);
    }
    if (lost !== undefined) throw lost;
  };
}
