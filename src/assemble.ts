import { EMPTY, type Observable, tap } from "rxjs";
import { createChain, nexusLogs } from "./chain/createChain.ts";
import type { HttpRpc } from "./chain/jsonRpc.ts";
import { rpcSocket$, type SocketMessage } from "./chain/rpcSocket.ts";
import type { Clock } from "./clock.ts";
import type { Config } from "./config/schema.ts";
import { createDaemon, type Daemon } from "./daemon.ts";
import type { Journal } from "./journal/journal.ts";
import { createPayload } from "./payload/createPayload.ts";
import type { PolicySet } from "./policy/policyPort.ts";
import type { Deployment } from "./protocol/chains.ts";
import type { Reporter } from "./report.ts";
import type { Signer } from "./signer/signerPort.ts";

export type Parts = {
  readonly config: Config;
  readonly deployment: Deployment;
  readonly rpc: HttpRpc;
  readonly journal: Journal;
  readonly policies: PolicySet;
  readonly signer: Signer | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly report: Reporter;
  readonly sweepTicks$: Observable<unknown>;
};

/** A daemon on a real node, as the configuration describes it. */
export function assemble({ config, deployment, rpc, random, ...parts }: Parts): Daemon {
  const { chain, watch, sink } = config;
  const { clock, report } = parts;
  return createDaemon(
    {
      ...parts,
      payload: createPayload(config.payload),
      chain: createChain({
        rpc,
        socket$: socketOf(config, deployment, { clock, random, report }),
        deployment,
        finality: chain.finalityDepth,
        pollIntervalMs: config.rpc.pollInterval,
        clock,
        report,
      }),
    },
    {
      chainId: chain.id,
      controller: deployment.controller,
      watch: { sources: new Set(watch.sources), clients: new Set(watch.clients), own: watch.own },
      intake: {
        startBlock: chain.startBlock,
        maxBlockRange: config.rpc.maxBlockRange,
        rewind: Math.max(64, 2 * chain.finalityDepth),
        auditEveryMs: 60_000,
      },
      judge: { maxPayment: sink.maxPayment, dryRun: sink.dryRun },
      sink: {
        finalityDepth: chain.finalityDepth,
        maxInFlight: sink.maxInFlight,
        rebroadcastAfterMs: sink.rebroadcastAfter,
      },
      maxFeePerGas: sink.maxFeePerGas,
      concurrency: config.pipeline.concurrency,
    },
  );
}

function socketOf(
  { rpc }: Config,
  deployment: Deployment,
  { clock, random, report }: Pick<Parts, "clock" | "random" | "report">,
): Observable<SocketMessage> {
  if (rpc.ws === undefined) return EMPTY;
  return rpcSocket$({
    url: rpc.ws,
    logs: nexusLogs(deployment),
    clock,
    heartbeatMs: 15_000,
    maxBackoffMs: 30_000,
    random,
    onDown: (error, inMs) => report({ type: "socket", up: false, error, inMs }),
  }).pipe(tap(({ type }) => type === "up" && report({ type: "socket", up: true })));
}
