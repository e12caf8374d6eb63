import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { BaseError } from "../../errors.ts";
import { makeFolder } from "../../makeFolder.ts";

type StopsTold = {
  /** Whether people are to hear of a stop: not where its like was told of at one of the last starts. */
  readonly isNews: (error: unknown) => boolean;
  /** The one that was asked about was news, and is told of. */
  readonly keep: () => void;
};

type StopsToldOptions = {
  readonly now: () => number;
  /** What goes on after so long is told of again. */
  readonly repeatAfterMs: number;
};

/** A daemon that lived for so long does not break at each start. */
const longLifeMs = 10 * 60_000;

/**
 * What was told of stops, in a file: a supervisor starts a daemon that breaks every few seconds, for as long as nobody mends it.
 *
 * @param path Where it cannot be read or written, each stop is news. It holds no word of an error.
 */
export function stopsTold(path: string | undefined, { now, repeatAfterMs }: StopsToldOptions): StopsTold {
  const bornAt = now();
  let told: { readonly what: string; readonly at: number } | undefined;
  return {
    isNews: (error) => {
      const at = now();
      const what = kindOf(error);
      const last = path === undefined ? undefined : read(path);
      const isKnown = last?.what === what && at >= Number(last.at) && at - Number(last.at) < repeatAfterMs;
      const isNews = !isKnown || at - bornAt >= longLifeMs;
      told = isNews ? { what, at } : undefined;
      return isNews;
    },
    keep: () => {
      if (path === undefined || told === undefined) return;
      try {
        makeFolder(dirname(path));
        writeFileSync(path, JSON.stringify(told), { mode: 0o600 });
      } catch {
        // The next one is told of, too.
      }
    },
  };
}

function read(path: string): { readonly what?: unknown; readonly at?: unknown } | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Numbers and addresses aside: they may be others each time. */
function kindOf(error: unknown): string {
  const { name, message } = error instanceof Error ? error : { name: typeof error, message: String(error) };
  const words = `${error instanceof BaseError ? error.code : name} ${message}`.replace(/0x[0-9a-f]+|\d+/gi, "#");
  return createHash("sha256").update(words).digest("hex").slice(0, 16);
}
