import type { Endpoints } from "../chain/endpoints/createEndpoints.ts";
import type { Clock } from "../clock.ts";
import type { Config } from "../config/schema.ts";
import type { Journal } from "../journal/journal.ts";
import type { PolicyStore } from "../policy/policyStore.ts";
import type { Signer } from "../signer/signerPort.ts";
import type { Ledger } from "../sink/guardrails/ledger.ts";
import { startHealthProbes } from "./board/healthProbes.ts";
import { startJournalReads } from "./board/journalReads.ts";
import { statusView } from "./board/statusView.ts";
import { startHttpServer } from "./http/httpServer.ts";
import { type OperatorParts, operatorRoutes } from "./http/operatorRoutes.ts";
import type { Liveness } from "./http/probeRoutes.ts";
import type { Logger } from "./logger.ts";
import { boardGauges } from "./metrics/boardGauges.ts";
import type { Observers } from "./observers.ts";
import type { Scrub } from "./scrub.ts";

type OperatorServerOptions = {
  readonly config: Config;
  readonly version: string;
  readonly scrub: Scrub;
  readonly logger: Logger;
  readonly observers: Observers;
  readonly livez: () => Liveness;
  readonly rpc: Endpoints;
  readonly policies: PolicyStore;
  readonly signers: readonly Signer[];
  readonly clock: Clock;
};

type Shown = {
  readonly journal: Journal;
  /** What counts against the ceilings now. */
  readonly ledger: () => Promise<Ledger>;
  /** What whoever changes something must show; `undefined`: nobody may. */
  readonly token: string | undefined;
};

type OperatorServer = {
  readonly port: number;
  /** Shows what a journal holds, from now on. */
  readonly show: (shown: Shown) => Promise<void>;
  /** Leaves the journal alone. */
  readonly leave: () => void;
  readonly stop: () => Promise<void>;
};

/**
 * Serves whoever looks on: supervisors, Prometheus and the operator's page.
 * @throws ConfigError as `startHttpServer`.
 */
export async function startOperatorServer(options: OperatorServerOptions): Promise<OperatorServer> {
  const { config, scrub, logger, observers, livez, rpc, policies, signers, clock } = options;
  const { metrics, readiness, board } = observers;
  const keys = signers.map(({ address }) => address);
  const readyz = readiness.checks;
  let parts: OperatorParts | undefined;
  const ends: (() => void)[] = [];
  observers.watchEndpoints(rpc.health);
  metrics.set("policies_ok", 1);
  metrics.set("policies", policies.current().policies.length);

  const http = await startHttpServer({
    ...config.http,
    ...{ livez, readyz, metrics, scrub, logger },
    routes: (server) => operatorRoutes(server, { parts: () => parts, now: clock.now, metrics, scrub, logger }),
  });

  return {
    port: http.port,
    show: async ({ journal, ledger, token }) => {
      const startedAt = clock.now();
      metrics.set("started_timestamp_seconds", startedAt / 1000);
      const unsettled = await journal.unsettled();
      board.lane.seed(unsettled);
      board.unsigned.seed(unsettled, clock.now());
      const reads = startJournalReads({
        ...{ journal, ledger },
        ceilings: config.guardrails,
        policies: () => policies.current().policies,
        money: board.money,
        clock,
        logger,
      });
      boardGauges(metrics, board, reads, clock.now);
      const endProbes = startHealthProbes({
        readiness,
        writeJournal: () => journal.touch(clock.now()),
        logger,
      });
      ends.push(reads.stop, endProbes);
      const status = () =>
        statusView(
          {
            ...{ config, version: options.version, startedAt, keys, board, reads, livez },
            health: rpc.health,
            policies: () => policies.current().policies,
            readyz,
            funds: readiness.funds,
            canChange: token !== undefined,
          },
          clock.now(),
        );
      parts = { config, journal, board, status, refresh: reads.refresh, token };
    },
    leave: () => {
      for (const end of ends) end();
      parts = undefined;
    },
    stop: http.stop,
  };
}
