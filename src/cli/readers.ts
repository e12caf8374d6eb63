import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseDuration } from "../config/duration.ts";
import { usage } from "./commandLine.ts";
import type { Context } from "./context.ts";

/** An argument that must be there. @throws ConfigError `USAGE`. */
export function required(value: string | undefined, what: string): string {
  if (value !== undefined && value !== "") return value;
  throw usage(`${what} is missing`);
}

/**
 * When something ends: a duration from now (`1h`), a date (`2026-01-31T12:00:00Z`) or unix seconds.
 * @param now Unix seconds. @returns unix seconds. @throws ConfigError `USAGE`.
 */
export function readExpiry(text: string, now: number): number {
  if (/^\d{9,11}$/.test(text)) return Number(text);
  const durationMs = durationOf(text);
  if (durationMs !== undefined) return now + Math.floor(durationMs / 1_000);
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(at)) return Math.floor(at / 1_000);
  throw usage(`--expires is a duration like 1h, a date like 2026-01-31T12:00:00Z or unix seconds, not "${text}"`);
}

/** Milliseconds; `undefined` where it is no duration, or in milliseconds, which the chain does not count in. */
function durationOf(text: string): number | undefined {
  try {
    return text.endsWith("ms") ? undefined : parseDuration(text);
  } catch {
    return undefined;
  }
}

/** JSON as it is written, or out of a file: `@task.json`. @throws ConfigError `USAGE`. */
export function readJson({ cwd }: Pick<Context, "cwd">, option: string, text: string): unknown {
  const [content, from] = text.startsWith("@")
    ? [fileText(cwd, text.slice(1), option), text.slice(1)]
    : [text, `--${option}`];
  try {
    return JSON.parse(content);
  } catch (error) {
    throw usage(`${from} is not JSON: ${(error as Error).message}`);
  }
}

function fileText(cwd: string, path: string, option: string): string {
  try {
    return readFileSync(resolve(cwd, path), "utf8");
  } catch (error) {
    throw usage(`--${option}: ${path} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

/** A whole number in a range. @throws ConfigError `USAGE`. */
export function readWhole(option: string, text: string | undefined, fallback: number, most = 1_000_000): number {
  if (text === undefined) return fallback;
  if (/^\d{1,9}$/.test(text) && Number(text) <= most) return Number(text);
  throw usage(`--${option} is a whole number up to ${most}, not "${text}"`);
}
