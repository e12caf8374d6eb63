import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const mostTries = 1_000;

/**
 * Has this thread collect all its garbage, by V8's own function. Nothing else gets it, but a thread that makes its globals in the
 * very moment in which this is called: it could collect, and nothing more.
 *
 * `@noble/curves` remembers points in weak maps. V8 lets go of what such a map holds only when it collects everything, which
 * a small heap with little to do puts off for a quarter of an hour.
 */
export function createCollector(): () => void {
  for (let tries = 0; tries < mostTries; tries++) {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("globalThis.gc") as (() => void) | undefined;
    setFlagsFromString("--no-expose-gc");
    // Another thread that does the same may have taken the flag back in between: it is the whole process's.
    if (collect !== undefined) return collect;
  }
  throw new TypeError("V8 does not give its collector");
}
