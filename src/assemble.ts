import { EMPTY, type Observable } from "rxjs";
import { createChain } from "./chain/createChain.ts";
import type { Endpoints } from "./chain/endpoints/createEndpoints.ts";
import { nexusLogs } from "./chain/eventReads.ts";
import { createParseMessage, type ParseMessage } from "./chain/fastLogs.ts";
import { rpcSocket$, type SocketMessage } from "./chain/rpcSocket.ts";
import { createTaskIndex } from "./chain/taskIndex.ts";
import { type Clock, steadyClock } from "./clock.ts";
import type { Config } from "./config/schema.ts";
import { createDaemon, type Daemon } from "./daemon.ts";
import type { Journal } from "./journal/journal.ts";
import { createPayload } from "./payload/createPayload.ts";
import type { PolicySet } from "./policy/policyPort.ts";
import type { PolicyStore } from "./policy/policyStore.ts";
import type { Deployment } from "./protocol/chains.ts";
import type { Reporter } from "./report.ts";
import type { Signer } from "./signer/signerPort.ts";

type Parts = {
  readonly config: Config;
  readonly deployment: Deployment;
  readonly rpc: Endpoints;
  readonly journal: Journal;
  readonly policies: PolicySet | PolicyStore;
  readonly signers: readonly Signer[];
  readonly clock: Clock;
  /** Who holds the keys' leases; different for each daemon that may share the journal. */
  readonly owner?: string;
  readonly random: () => number;
  readonly report: Reporter;
  readonly sweepTicks$: Observable<unknown>;
};

/** A daemon on a real node, as the configuration describes it. */
export function assemble({ config, deployment, rpc, random, ...parts }: Parts): Daemon {
  const { chain, watch, sink, guardrails } = config;
  const { report } = parts;
  const index = createTaskIndex();
  const parse = createParseMessage(index.isForeign);
  return createDaemon(
    {
      ...parts,
      steady: steadyClock,
      index,
      payload: createPayload(config.payload),
      chain: createChain({
        rpc,
        elsewhere: rpc.elsewhere,
        apart: rpc.apart,
        passOver: rpc.passOver,
        socket$: socketOf(config, deployment, { rpc, random, report, parse }),
        deployment,
        finality: chain.finality,
        tip: { minTip: sink.minTip, maxTip: sink.maxTip },
        pollIntervalMs: config.rpc.pollInterval,
        clock: steadyClock,
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
        rewind: 64,
        auditEveryMs: 60_000,
      },
      judge: { maxPayment: sink.maxPayment, dryRun: sink.dryRun },
      sink: {
        maxInFlight: sink.maxInFlight,
        rebroadcastAfterMs: sink.rebroadcastAfter,
        replaceAfterBlocks: sink.replaceAfterBlocks,
        foreignPending: sink.foreignPending,
        answers: sink.answers,
        guardrails: { ...guardrails, revertsToPause: guardrails.maxReverts },
        warnBelowConfirmations: guardrails.warnBelow,
      },
      maxFeePerGas: sink.maxFeePerGas,
      concurrency: config.pipeline.concurrency,
    },
  );
}

function socketOf(
  { chain, rpc: { ws }, socket }: Config,
  deployment: Deployment,
  parts: Pick<Parts, "rpc" | "random" | "report"> & { readonly parse: ParseMessage },
): Observable<SocketMessage> {
  const { rpc, random, report, parse } = parts;
  if (ws.length === 0) return EMPTY;
  return rpcSocket$({
    urls: ws,
    logs: nexusLogs(deployment),
    chainId: chain.id,
    clock: steadyClock,
    parse,
    heartbeatMs: socket.heartbeat,
    silenceMs: socket.silence,
    headOverHttp$: rpc.head$,
    maxBackoffMs: socket.maxBackoff,
    random,
    onUp: (endpoint) => report({ type: "socket", up: true, endpoint }),
    onDown: (error, inMs) => report({ type: "socket", up: false, error, inMs }),
  });
}
