import { close, fdatasync, openSync } from "node:fs";

type FlushAhead = {
  /** Has what was written go to the disk. Nobody waits for it, and one is under way at a time. */
  readonly begin: () => void;
  readonly end: () => void;
};

/**
 * Sends what stands in SQLite's log on its way to the disk, in a thread of Node's own, while the daemon does something else. A
 * disk that has slept takes several times as long for what comes first: so whoever has to wait for it next waits shorter. No
 * promise rests on it: where it fails, the next commit waits longer, and that is all.
 *
 * @param log The log's file.
 */
export function flushAhead(log: string): FlushAhead {
  let file: number | undefined;
  let isBusy = false;
  let isOver = false;
  const closeFile = () => {
    if (file !== undefined) close(file, () => undefined);
    file = undefined;
  };
  return {
    begin: () => {
      if (isBusy || isOver) return;
      try {
        file ??= openSync(log, "r");
      } catch {
        return;
      }
      isBusy = true;
      fdatasync(file, () => {
        isBusy = false;
        if (isOver) closeFile();
      });
    },
    // A number that is given back may be another file's at once: not while it is in use.
    end: () => {
      isOver = true;
      if (!isBusy) closeFile();
    },
  };
}
