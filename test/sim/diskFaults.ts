import type { Faults } from "./faults.ts";
import type { Prng } from "./prng.ts";

/** What SQLite says of a disk that is full, or does not work. */
const said = [
  { errcode: 13, message: "database or disk is full" },
  { errcode: 778, message: "disk I/O error" },
] as const;

/** Throws what a commit throws that the disk does not take: SQLite takes the transaction back then. */
export type DiskFaults = () => void;

/** One commit fails, or all of a while. */
export function createDiskFaults(prng: Prng, faults: Faults, now: () => number): DiskFaults {
  let until = 0;
  return () => {
    if (faults.isOver()) return;
    const fails = faults.strikes("commit fails");
    if (faults.strikes("disk full")) until = now() + prng.between(500, 30_000);
    if (!fails && now() >= until) return;
    const { errcode, message } = prng.pick(said);
    throw Object.assign(new Error(message), { code: "ERR_SQLITE_ERROR", errcode, errstr: message });
  };
}

export const isOfDisk = (error: unknown): boolean => (error as { code?: unknown }).code === "ERR_SQLITE_ERROR";
