import { type FSWatcher, readdirSync, statSync, watch } from "node:fs";
import { join } from "node:path";
import { debounceTime, interval, Observable } from "rxjs";

const maxFolders = 256;

type FolderChangesOptions = {
  /** Milliseconds without a change before one is reported. @default 200 */
  readonly restMs?: number;
  /** Milliseconds between two looks at whether a folder still is the one that is watched. @default 5_000 */
  readonly checkMs?: number;
};

/** A folder that is watched. @param identity Of the folder itself: another one may stand at its path by now. */
type Watched = { readonly watcher: FSWatcher; readonly identity: string };

/**
 * Says when something in a folder, or in one below it, changed: once the writing has come to rest. Cold. Where a folder
 * cannot be watched it says nothing, and the signal remains.
 *
 * Each folder is watched on its own: Node's recursive watch loses a file for good when another is renamed over it, which
 * is how editors save. A watch is on the folder that stood at its path, not on the path: where that is replaced, or a link on
 * the way to it is switched, nothing tells of it, so from time to time the folders themselves are compared.
 */
export function folderChanges$(folder: string, options: FolderChangesOptions = {}): Observable<unknown> {
  const { restMs = 200, checkMs = 5_000 } = options;
  return new Observable<string>((subscriber) => {
    const watched = new Map<string, Watched>();
    const forget = (path: string) => {
      watched.get(path)?.watcher.close();
      watched.delete(path);
    };
    const open = (path: string, identity: string): boolean => {
      try {
        const watcher = watch(path, (event) => {
          if (event === "rename") watchAll();
          subscriber.next(event);
        });
        watcher.on("error", () => forget(path));
        watched.set(path, { watcher, identity });
        return true;
      } catch {
        return false;
      }
    };
    /** Whether a folder is watched now that was not. */
    const watchAll = (): boolean => {
      const wanted = new Map(foldersIn(folder).map((path) => [path, identityOf(path)]));
      for (const [path, { identity }] of watched) if (wanted.get(path) !== identity) forget(path);
      let isNew = false;
      for (const [path, identity] of wanted) {
        if (identity !== undefined && !watched.has(path) && open(path, identity)) isNew = true;
      }
      return isNew;
    };
    watchAll();
    const checks = interval(checkMs).subscribe(() => {
      if (watchAll()) subscriber.next("replaced");
    });
    return () => {
      checks.unsubscribe();
      for (const path of [...watched.keys()]) forget(path);
    };
  }).pipe(debounceTime(restMs));
}

/** A number of an inode is given again at once, so the time of birth belongs to it; `undefined` where there is no such folder. */
function identityOf(path: string): string | undefined {
  try {
    const found = statSync(path, { bigint: true, throwIfNoEntry: false });
    return found && `${found.dev}:${found.ino}:${found.birthtimeNs}`;
  } catch {
    return undefined;
  }
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
