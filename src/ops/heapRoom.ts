import { setFlagsFromString } from "node:v8";
import type { Reporter } from "../report.ts";

/** Percent by which the heap may grow between two collections: as the program's first line has it, and while a backlog is read. */
export const heapGrowth = { usual: 60, catchingUp: 100 };

/**
 * Gives the heap room while the scanner catches up: each answer of a node is some megabytes of logs that are done with at once,
 * and a collection for each of them takes a third of the processor. What it took is given back afterwards.
 */
export function createHeapRoom(setFlag: (flag: string) => void = setFlagsFromString): Reporter {
  let growth = heapGrowth.usual;
  const growBy = (percent: number) => {
    if (percent === growth) return;
    growth = percent;
    setFlag(`--heap-growing-percent=${percent}`);
  };
  return ({ type }) => {
    if (type === "progress") growBy(heapGrowth.catchingUp);
    if (type === "scanned") growBy(heapGrowth.usual);
  };
}
