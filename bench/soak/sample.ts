import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";

/** The daemon at one moment. Sizes in bytes. */
export type Sample = {
  /** Since the load began. */
  readonly seconds: number;
  /** The mean of what was read since the sample before: within a block's two seconds it rises and falls by a quarter. */
  readonly resident: number;
  /** The same, of the resident memory what belongs to no file. */
  readonly anonymous: number;
  /** The most that was read of `resident`. */
  readonly residentPeak: number;
  /** What the heap has taken of the system. */
  readonly heapTotal: number;
  readonly heapUsed: number;
  readonly external: number;
  /** Seconds, of the time since the sample before. */
  readonly lagP99: number;
  readonly openFiles: number;
  readonly openSockets: number;
  readonly verdicts: number;
  readonly final: number;
  readonly journal: number;
};

/** Bytes, at one moment. */
export type Memory = Pick<Sample, "resident" | "anonymous">;

/** What the system says of a process. */
export function readMemory(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const field = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) * 1024;
  return { resident: field("VmRSS"), anonymous: field("RssAnon") };
}

export type SampleSource = { readonly pid: number; readonly url: string; readonly journalPath: string };

/** Reads the daemon's own metrics, and its open files from the system. @param memory What was read since the last sample. */
export async function takeSample(
  { pid, url, journalPath }: SampleSource,
  seconds: number,
  memory: readonly Memory[],
): Promise<Sample> {
  const mean = (of: keyof Memory) => memory.reduce((total, each) => total + each[of], 0) / memory.length;
  const text = await (await fetch(`${url}/metrics`)).text();
  const sum = (name: string, labels = "") =>
    [...text.matchAll(new RegExp(`^${name}(?:\\{([^}]*)\\})? (\\S+)`, "gm"))]
      .filter(([, found = ""]) => found.includes(labels))
      .reduce((total, [, , value]) => total + Number(value), 0);
  const files = readdirSync(`/proc/${pid}/fd`).flatMap((name) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${name}`)];
    } catch {
      return [];
    }
  });
  const size = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  return {
    seconds,
    resident: mean("resident"),
    anonymous: mean("anonymous"),
    residentPeak: Math.max(...memory.map(({ resident }) => resident)),
    heapTotal: sum("nodejs_heap_size_total_bytes"),
    heapUsed: sum("nodejs_heap_size_used_bytes"),
    external: sum("nodejs_external_memory_bytes"),
    lagP99: sum("nodejs_eventloop_lag_p99_seconds"),
    openFiles: files.length,
    openSockets: files.filter((file) => file.startsWith("socket:")).length,
    verdicts: sum("ogpu_confirmd_verdicts_total"),
    final: sum("ogpu_confirmd_confirmations_total", 'state="final"'),
    journal: size(journalPath) + size(`${journalPath}-wal`),
  };
}
