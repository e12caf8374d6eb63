import { BaseError, exitCodes } from "../errors.ts";
import type { Logger } from "../ops/logger.ts";
import type { Shutdown } from "../ops/shutdown.ts";

type EndingDeps = {
  readonly shutdown: Pick<Shutdown, "run" | "started">;
  readonly logger: Logger;
  /** Told of what ends the daemon, before its parts are stopped. */
  readonly onBroken: (error: unknown) => void;
};

/** How the daemon ends: by a person's signal, or by what it cannot go on without. */
export type Ending = {
  /** Stops the daemon; the second signal ends it at once. The first to one that stops by itself asks for what is under way. */
  readonly stop: (signal: string) => void;
  /** Stops the daemon; where that has begun, it goes on in order: what is lost together is reported one by one. */
  readonly breakOff: (error: unknown, what: string) => void;
  /** The exit code, once the parts are stopped: the worst of what came until then. */
  readonly ended: Promise<number>;
};

/** From what is nobody's trouble to what needs a person. */
const severity: readonly number[] = [
  exitCodes.ok,
  exitCodes.failed,
  exitCodes.temporary,
  exitCodes.software,
  exitCodes.config,
];
const worse = (a: number, b: number): number => (severity.indexOf(a) > severity.indexOf(b) ? a : b);

/** Ends the daemon once, whatever asks for it and how often. */
export function createEnding({ shutdown, logger, onBroken }: EndingDeps): Ending {
  const { promise: ended, resolve } = Promise.withResolvers<number>();
  let code: number = exitCodes.ok;
  let signals = 0;
  const run = async (reason: string) => {
    const outcome = await shutdown.run(reason);
    resolve(outcome === "clean" ? code : worse(code, exitCodes.failed));
  };
  return {
    stop: (signal) => {
      signals += 1;
      if (signals > 1 || !shutdown.started()) void run(signal);
      else logger.info({ signal }, "stopping already; a second signal ends it at once");
    },
    breakOff: (error, what) => {
      logger.fatal({ err: error }, what);
      code = worse(code, error instanceof BaseError ? error.exitCode : exitCodes.software);
      if (shutdown.started()) return;
      onBroken(error);
      void run(what);
    },
    ended,
  };
}
