import { createRequire } from "node:module";
import { type Logger as PinoLogger, pino } from "pino";
import type { Config } from "../config/schema.ts";
import { plain } from "./plain.ts";
import { createScrubber } from "./scrub.ts";

/** `logger.info({ task }, "task confirmed")`: fields first, then a constant message. */
export type Logger = Pick<PinoLogger, "trace" | "debug" | "info" | "warn" | "error" | "fatal"> & {
  /** A logger whose records carry these fields too. */
  readonly child: (bindings: Record<string, unknown>) => Logger;
};

export type LoggerOptions = {
  readonly level: Config["log"]["level"];
  readonly format: Config["log"]["format"];
  /** Takes one finished line at a time, e.g. `process.stdout`. */
  readonly destination: { readonly write: (line: string) => unknown };
  /** Whether a person is reading: `format: "auto"` is then pretty, and pretty has colours. */
  readonly isTTY: boolean;
  /** Values that must never be written, such as private keys. */
  readonly secrets?: readonly string[];
  /** RPC endpoints whose credentials must never be written. */
  readonly urls?: readonly string[];
};

/**
 * Makes the daemon's logger: one JSON record a line, or coloured text for people.
 * Every line is scrubbed as a whole just before it leaves, so messages, fields, stacks and causes are all covered.
 */
export function createLogger({ level, format, destination, isTTY, secrets = [], urls = [] }: LoggerOptions): Logger {
  const scrub = createScrubber(secrets, urls);
  const pretty = format === "pretty" || (format === "auto" && isTTY);
  const render = pretty ? prettyFor(isTTY) : (line: string) => line;
  const plainFields = (fields: object) => plain(fields) as Record<string, unknown>;
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: (err) => err },
      formatters: { level: (label) => ({ level: label }), bindings: plainFields, log: plainFields },
    },
    { write: (line) => void destination.write(render(scrub(line)) ?? "") },
  );
}

/** It takes longer to load than pino itself: where no person reads, it is not. */
function prettyFor(colorize: boolean): (line: string) => string | undefined {
  const { prettyFactory } = createRequire(import.meta.url)("pino-pretty") as typeof import("pino-pretty");
  return prettyFactory({ colorize, translateTime: "SYS:HH:MM:ss.l" });
}
