import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";

/** The daemon at one moment. Sizes in bytes. */
export type Sample = {
  /** Since the load began. */
  readonly seconds: number;
  readonly resident: number;
  /** Of the resident memory, what belongs to no file. */
  readonly anonymous: number;
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

export type SampleSource = { readonly pid: number; readonly url: string; readonly journalPath: string };

/** Reads the daemon's own metrics, and its open files from the system. */
export async function takeSample({ pid, url, journalPath }: SampleSource, seconds: number): Promise<Sample> {
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
    resident: sum("process_resident_memory_bytes"),
    anonymous: Number(/RssAnon:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024,
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
