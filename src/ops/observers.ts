import type { EndpointHealth } from "../chain/endpoints/endpointHealth.ts";
import type { Clock } from "../clock.ts";
import type { Config } from "../config/schema.ts";
import { ogpuNumber } from "../protocol/amounts.ts";
import type { AccountAddress } from "../protocol/brand.ts";
import type { Reporter } from "../report.ts";
import { type Board, createBoard } from "./board/createBoard.ts";
import { createReadiness, type Readiness } from "./board/readiness.ts";
import { fanOut } from "./fanOut.ts";
import type { Logger } from "./logger.ts";
import { logReports } from "./logReports.ts";
import { countReports } from "./metrics/countReports.ts";
import { createMetrics, type Metrics } from "./metrics/createMetrics.ts";
import { endpointGauges } from "./metrics/endpointGauges.ts";
import { tellLater } from "./tellLater.ts";
import { maxLag } from "./vitals.ts";

type ObserverOptions = {
  readonly config: Config;
  readonly version: string;
  readonly nodeVersion: string;
  /** The keys that pay; none where nothing can be paid. */
  readonly keys: readonly AccountAddress[];
  /** Why the pipe stands still; `undefined` while it does not. @default nobody watches for that */
  readonly stalled?: () => string | undefined;
  /** Why the scanner is far behind and comes no further; `undefined` while it does. @default nobody watches for that */
  readonly behind?: () => string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** More who are to be told. */
  readonly listeners?: readonly Reporter[];
};

/** Everybody who looks on: log, metrics, readiness, the operator's page. */
export type Observers = {
  /** They are told a moment later. */
  readonly report: Reporter;
  /** Tells them what they have not been told yet: before the process ends. */
  readonly flush: () => void;
  readonly metrics: Metrics;
  readonly readiness: Readiness;
  readonly board: Board;
  /** Shows the endpoints' health from now on. */
  readonly watchEndpoints: (health: () => readonly EndpointHealth[]) => void;
};

export function createObservers(options: ObserverOptions): Observers {
  const { config, version, nodeVersion, keys, stalled, behind, clock, logger, listeners = [] } = options;
  const metrics = createMetrics({ version, nodeVersion });
  const headFreshMs = Math.max(30_000, 5 * config.rpc.pollInterval);
  const readiness = createReadiness({ clock, headFreshMs, maxLag, keys, stalled, behind });
  const board = createBoard({ clock, stuckAfterMs: config.sink.rebroadcastAfter });
  metrics.beforeReading(() => {
    for (const { name, ok } of readiness.checks()) metrics.set("ready", ok ? 1 : 0, { check: name });
    const funds = readiness.funds();
    // No number, where nothing was read: nought would be an alarm of a daemon without a key.
    metrics.set("signer_balance_ogpu", funds ? ogpuNumber(funds.balance) : Number.NaN);
    metrics.set("signer_confirmations_left", funds?.confirmations ?? Number.NaN);
  });
  const tell = fanOut(
    [logReports(logger), countReports(metrics, clock), readiness.note, board.note, ...listeners],
    (err) => {
      metrics.add("observer_errors_total", 1);
      logger.error({ err }, "an onlooker could not take a report; the pipe goes on");
    },
  );
  return { ...tellLater(tell), metrics, readiness, board, watchEndpoints: (health) => endpointGauges(metrics, health) };
}
