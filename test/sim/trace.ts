import { createHash } from "node:crypto";

/** What happened, in order: a digest of everything, and the last lines for a person. */
export type Trace = {
  /** Worth reading: kept and digested. */
  readonly note: (text: string) => void;
  /** Digested only. */
  readonly digest: (text: string) => void;
  /** The last lines, oldest first. */
  readonly lines: () => readonly string[];
  /** SHA-256 of everything so far, hex. Ends the trace. */
  readonly hash: () => string;
};

/**
 * @param now Virtual milliseconds.
 * @param keep Lines that are kept at the most.
 */
export function createTrace(now: () => number, keep = 200): Trace {
  const start = now();
  const hash = createHash("sha256");
  let kept: string[] = [];
  const digest = (text: string) => void hash.update(`${now()} ${text}\n`);
  return {
    note: (text) => {
      digest(text);
      kept.push(`${((now() - start) / 1000).toFixed(3).padStart(8)}s  ${text}`);
      if (kept.length > 2 * keep) kept = kept.slice(-keep);
    },
    digest,
    lines: () => kept.slice(-keep),
    hash: () => hash.digest("hex"),
  };
}
