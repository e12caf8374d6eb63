import { type FSWatcher, readdirSync, watch } from "node:fs";
import { join } from "node:path";
import { asyncScheduler, debounceTime, Observable, type SchedulerLike } from "rxjs";

const maxFolders = 256;

export type FolderChangesOptions = {
  /** Milliseconds without a change before one is reported. @default 200 */
  readonly restMs?: number;
  /** @default real time */
  readonly scheduler?: SchedulerLike;
};

/**
 * Says when something in a folder, or in one below it, changed: once the writing has come to rest. Cold. Where a folder
 * cannot be watched it says nothing, and the signal remains.
 *
 * Each folder is watched on its own: Node's recursive watch loses a file for good when another is renamed over it, which
 * is how editors save.
 */
export function folderChanges$(folder: string, options: FolderChangesOptions = {}): Observable<unknown> {
  const { restMs = 200, scheduler = asyncScheduler } = options;
  return new Observable<string>((subscriber) => {
    const watchers = new Map<string, FSWatcher>();
    const watchAll = () => {
      const wanted = new Set(foldersIn(folder));
      for (const [path, watcher] of watchers) {
        if (wanted.has(path)) continue;
        watcher.close();
        watchers.delete(path);
      }
      for (const path of wanted) if (!watchers.has(path)) open(path);
    };
    const forget = (path: string) => {
      watchers.get(path)?.close();
      watchers.delete(path);
    };
    const open = (path: string) => {
      try {
        const watcher = watch(path, (event) => {
          if (event === "rename") watchAll();
          subscriber.next(event);
        });
        watcher.on("error", () => forget(path));
        watchers.set(path, watcher);
      } catch {
        forget(path);
      }
    };
    watchAll();
    return () => {
      for (const path of [...watchers.keys()]) forget(path);
    };
  }).pipe(debounceTime(restMs, scheduler));
}

function foldersIn(folder: string): readonly string[] {
  const found = [folder];
  for (let index = 0; index < found.length && found.length < maxFolders; index++) {
    const path = found[index] ?? folder;
    try {
      for (const entry of readdirSync(path, { withFileTypes: true })) {
        if (entry.isDirectory()) found.push(join(path, entry.name));
      }
    } catch {
      // It was removed meanwhile.
    }
  }
  return found;
}
