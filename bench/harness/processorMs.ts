import { readFileSync } from "node:fs";

/** The kernel's ticks in a second, for what it tells of processes (`USER_HZ`, proc(5)): on all that Node runs on it is 100. */
const ticks = 100;

/** Milliseconds of a processor that a process has used, to ten of them; not a number where the system does not tell. */
export function processorMs(pid: number): number {
  try {
    // After the name, which may hold anything but is in parentheses: user and system time are fields 14 and 15 (proc(5)).
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
    return ((Number(fields[11]) + Number(fields[12])) * 1_000) / ticks;
  } catch {
    return Number.NaN;
  }
}
