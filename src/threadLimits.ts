import { setFlagsFromString } from "node:v8";

/**
 * Leaves each thread that starts from now on with the limits that it is given. What Node is told of sizes when it starts is for
 * the main thread, which has its heap by then; but V8 would give it to every thread, in the place of the thread's own limits: an
 * evaluation's 128 MiB would be 512.
 */
export function leaveThreadsTheirLimits(): void {
  for (const size of ["max-old-space-size", "min-semi-space-size", "max-semi-space-size"])
    setFlagsFromString(`--${size}=0`);
}
