import { getCompileCacheDir } from "node:module";
import { dirname } from "node:path";

/**
 * What a thread of ours is started with: nothing of the process's environment, where keys may be, but the folder in which Node
 * keeps compiled code, if it was given one (`NODE_COMPILE_CACHE`). Without it each thread compiles everything anew.
 */
export function threadEnvironment(): Readonly<Record<string, string>> {
  const folder = getCompileCacheDir();
  // Node names the folder of its own version in it.
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: dirname(folder) };
}
