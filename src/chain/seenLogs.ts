import type { LogPosition } from "../protocol/events.ts";

/**
 * Which of the newest logs have been acted on already: the socket and the scanner bring each once, and a node may push
 * one twice. A log is known by its block's hash and its index, so that one that was mined again after a reorg is another.
 */
type SeenLogs = {
  readonly has: (at: LogPosition) => boolean;
  /** Answers what to call when what these logs say is stored; it does nothing once a reorg has come between. */
  readonly willStore: (logs: readonly LogPosition[]) => () => void;
  /** A reorg made the journal forget: whatever is brought again is news. */
  readonly forget: () => void;
};

/** @param limit Logs; between that many and twice as many are remembered. */
export function createSeenLogs(limit: number): SeenLogs {
  let young = new Set<string>();
  let old = new Set<string>();

  /** A copy: a hash that was cut out of a socket's message would keep the whole message in memory. */
  const keyOf = ({ blockHash, logIndex }: LogPosition) =>
    Buffer.from(`${blockHash}${logIndex}`, "latin1").toString("latin1");

  const add = (at: LogPosition) => {
    if (young.size >= limit) {
      old = young;
      young = new Set();
    }
    young.add(keyOf(at));
  };

  let reorgs = 0;
  return {
    has: (at) => {
      const key = keyOf(at);
      return young.has(key) || old.has(key);
    },
    willStore: (logs) => {
      const before = reorgs;
      return () => {
        if (reorgs === before) logs.forEach(add);
      };
    },
    forget: () => {
      reorgs++;
      young = new Set();
      old = new Set();
    },
  };
}
