import { createChain } from "../../src/chain/createChain.ts";
import { createEndpoints } from "../../src/chain/endpoints/createEndpoints.ts";
import { nexusLogs } from "../../src/chain/eventReads.ts";
import { rpcSocket$ } from "../../src/chain/rpcSocket.ts";
import { systemClock } from "../../src/clock.ts";
import type { Journal } from "../../src/journal/journal.ts";
import type { Hex } from "../../src/protocol/brand.ts";
import { wei } from "../../src/protocol/brand.ts";
import { deploymentOn } from "../../src/protocol/chains.ts";
import type { Reporter } from "../../src/report.ts";
import type { Engine } from "../../src/signer/thread/messages.ts";
import { threadedSigner } from "../../src/signer/threadedSigner.ts";
import { createSink } from "../../src/sink/createSink.ts";
import type { Sink } from "../../src/sink/sinkPort.ts";
import { leaveThreadsTheirLimits } from "../../src/threadLimits.ts";

export type RealSink = {
  readonly http: string;
  /** Where requests go: http, https, ws or wss. @default `http` */
  readonly requests?: string | undefined;
  readonly ws: string;
  readonly chainId: number;
  readonly privateKey: Hex;
  readonly maxInFlight: number;
  readonly engine: Engine;
  /** Blocks. */
  readonly finality: number;
};

/** The daemon's sink on its real parts, as `assemble` puts them together. */
export async function openRealSink(options: RealSink, journal: Journal, report: Reporter): Promise<Sink> {
  const { http, requests = http, ws, chainId, privateKey, maxInFlight, engine, finality } = options;
  const deployment = deploymentOn(chainId);
  if (deployment === undefined) throw new TypeError(`chain ${chainId} has no deployment`);
  const clock = systemClock;
  const endpoints = { urls: [requests], timeoutMs: 10_000, rateLimit: 0, batchSize: 100, cooldownMs: 30_000 };
  const rpc = createEndpoints({ ...endpoints, chainId, clock, random: Math.random, report });
  const socket = { urls: [ws], logs: nexusLogs(deployment), chainId, clock };
  const patience = { heartbeatMs: 15_000, silenceMs: 30_000, maxBackoffMs: 30_000 };
  const onDown = (error: Error) => report({ type: "retry", what: "the socket", error, inMs: 0 });
  const chain = createChain({
    rpc,
    socket$: rpcSocket$({ ...socket, ...patience, headOverHttp$: rpc.head$, random: Math.random, onDown }),
    deployment,
    finality,
    pollIntervalMs: 1_000,
    clock,
    report,
  });
  leaveThreadsTheirLimits();
  const signers = [await threadedSigner({ privateKey, engine })];
  await chain.head();
  const { controller } = deployment;
  const ceilings = { maxFeePerGas: 500n * 10n ** 9n, maxPayment: wei(10n ** 18n) };
  return createSink(
    { chain, journal, signers, clock, report, chainId, controller, ...ceilings },
    { maxInFlight, rebroadcastAfterMs: 30_000 },
  );
}
