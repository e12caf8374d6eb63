import { interval, NEVER } from "rxjs";
import { createChain } from "../../src/chain/createChain.ts";
import { createEndpoints } from "../../src/chain/endpoints/createEndpoints.ts";
import { createParseMessage } from "../../src/chain/fastLogs.ts";
import type { HttpRpc, RpcAnswer } from "../../src/chain/jsonRpc.ts";
import { createTaskIndex } from "../../src/chain/taskIndex.ts";
import { createDaemon, type Daemon } from "../../src/daemon.ts";
import { openSqliteJournal } from "../../src/journal/sqliteJournal.ts";
import type { PolicyStore } from "../../src/policy/policyStore.ts";
import { type Hex, toAddress, wei } from "../../src/protocol/brand.ts";
import type { Deployment } from "../../src/protocol/chains.ts";
import type { RpcLog } from "../../src/protocol/events.ts";
import type { Report } from "../../src/report.ts";
import type { Signer } from "../../src/signer/signerPort.ts";
import { pausePaying, resumePaying } from "../../src/sink/guardrails/pausing.ts";
import { maxPayment, sources } from "./actors.ts";
import type { Ailments } from "./ailments.ts";
import { createCrashJournal } from "./crashJournal.ts";
import { describe } from "./describe.ts";
import type { Faults } from "./faults.ts";
import type { Guardrails } from "./guardrails.ts";
import type { Block, ModelChain } from "./modelChain.ts";
import { createModelPayload, type ModelDocuments } from "./modelDocuments.ts";
import { createModelEndpoint } from "./modelEndpoint.ts";
import type { ModelNode } from "./modelNode.ts";
import { createModelSocket } from "./modelSocket.ts";
import type { Plant } from "./plants.ts";
import type { Prng } from "./prng.ts";
import { createStalls } from "./stalls.ts";
import type { Trace } from "./trace.ts";
import type { VirtualTime } from "./virtualTime.ts";

/** How the daemons of a run are configured. */
export type DaemonSettings = {
  readonly chainId: number;
  readonly deployment: Deployment;
  readonly finalityDepth: number;
  readonly startBlock: bigint | "head";
  readonly maxBlockRange: number;
  readonly maxInFlight: number;
  readonly sweepEveryMs: number;
  readonly hasSocket: boolean;
  /** Where it asks several endpoints: the most calls in one request, and what each of them lacks; `undefined`: it asks one. */
  readonly endpoints: { readonly batchSize: number; readonly ailments: readonly Ailments[] } | undefined;
  readonly timeoutMs: number;
  readonly rebroadcastAfterMs: number;
  readonly askAllUpTo: number;
  readonly guardrails: Guardrails;
};

export type IncarnationDeps = {
  readonly path: string;
  /** Who it is, to the leases of the keys. */
  readonly owner: string;
  /** Another one has the journal's file open. */
  readonly isSecond: boolean;
  readonly policies: PolicyStore;
  readonly signers: readonly Signer[];
  readonly settings: DaemonSettings;
  readonly time: VirtualTime;
  /** Milliseconds by which the machine's clock is ahead of that. */
  readonly clockAhead: () => number;
  readonly trace: Trace;
  readonly prng: Prng;
  readonly faults: Faults;
  readonly chain: ModelChain;
  readonly nodes: readonly ModelNode[];
  /** Those that a second opinion is asked of, where one of the nodes lies all the time. */
  readonly honest: readonly ModelNode[];
  readonly answering: () => readonly ModelNode[];
  readonly connectable: () => readonly ModelNode[];
  /** Throws where a commit fails. */
  readonly disk: () => void;
  readonly documents: ModelDocuments;
  readonly plant: Plant | undefined;
  readonly isHidden: (log: RpcLog) => boolean;
  /** Whether the process dies in this moment. */
  readonly dies: () => boolean;
  readonly onDeath: () => void;
  readonly onSent: (raw: Hex) => void;
  readonly onCommit: (method: string) => void;
  /** The daemon complains of events that its intake had not seen. */
  readonly onMissed: () => void;
  /** It asks another endpoint from now on. */
  readonly onFailover: () => void;
  /** The daemon completed after a stop. */
  readonly onEnded: () => void;
  readonly onBroken: (error: unknown) => void;
};

/** One life of the daemon: from a start on the journal's file to a crash, or to the end of the run. */
export type Incarnation = {
  readonly isAlive: () => boolean;
  readonly push: (node: ModelNode, before: Block) => void;
  readonly stop: Daemon["stop"];
  /** What a signal does: pauses paying, or resumes. */
  readonly pause: () => Promise<unknown>;
  readonly resume: () => Promise<unknown>;
  /** It stands still until then, in virtual milliseconds since 1970. */
  readonly stallUntil: (ms: number) => void;
  /** Another daemon takes over; this one does not know yet. */
  readonly oust: () => void;
  readonly isOusted: () => boolean;
  /** The process is gone: nothing of it goes on, and the file is free. */
  readonly kill: () => void;
};

/** Of the endpoints: the first may be asked of a node that lies, the others are honest. */
const names = ["model", "honest", "third"];

/** Wei per gas. */
export const maxFeePerGas = 500_000_000_000n;

/** Builds the real daemon on the model, as `assemble` builds it on a real node. */
export function startIncarnation(given: IncarnationDeps): Incarnation {
  const { time, stallUntil } = createStalls(given.time);
  const deps = { ...given, time };
  const { path, policies, settings, trace, prng, documents, plant } = deps;
  const { chainId, deployment } = settings;
  let alive = true;
  let ousted = false;
  const isAlive = () => alive;
  const moment = (what: string) => {
    if (!alive || ousted || !deps.dies()) return;
    trace.note(`crash: ${what}`);
    kill();
    deps.onDeath();
  };

  const opened = openSqliteJournal({ path, chainId, shared: deps.isSecond });
  const clock = time.clock(isAlive);
  const wallClock = { ...clock, now: () => time.now() + deps.clockAhead() };
  const report = (each: Report) => {
    if (!alive) return;
    describe(each, trace);
    if (each.type === "missed") deps.onMissed();
    if (each.type === "endpoint" && each.event === "chosen") deps.onFailover();
  };
  const endpointOf = (name: string, nodes: readonly ModelNode[], ailments?: Ailments) => {
    const endpoint = createModelEndpoint({
      ...deps,
      name,
      nodes,
      timeoutMs: settings.timeoutMs,
      ...(ailments && { ailments }),
    });
    return gate(endpoint, isAlive, moment, deps.onSent);
  };
  const second = deps.honest.length < deps.nodes.length ? endpointOf("honest", deps.honest) : undefined;
  /** The real failover. One that takes no batches is a single node: a balancer would have another answer each call of a batch. */
  const openSeveral = ({ batchSize, ailments }: NonNullable<DaemonSettings["endpoints"]>) => {
    const connect = ({ name }: { readonly name: string }) => {
      const index = names.indexOf(name);
      const nodes = index === 0 ? deps.nodes : deps.honest;
      const isSingle = batchSize === 1 || ailments[index]?.isWithoutBatches;
      const single = nodes[Math.max(0, index - 1) % nodes.length] as ModelNode;
      return endpointOf(name, isSingle ? [single] : nodes, ailments[index]);
    };
    const urls = names.slice(0, ailments.length).map((name) => `http://${name}`);
    const options = { urls, connect, chainId, clock, report, batchSize, rateLimit: 0, cooldownMs: 30_000 };
    return createEndpoints({ ...options, timeoutMs: settings.timeoutMs, random: prng.next });
  };
  const journal = createCrashJournal(opened, {
    isAlive,
    isOusted: () => ousted,
    moment,
    disk: deps.disk,
    onCommit: deps.onCommit,
  });
  const sweepTicks$ = interval(settings.sweepEveryMs, clock.scheduler);
  const whole = { journal, rpc: endpointOf("model", deps.nodes), second, sweepTicks$ };
  const ports = plant?.wrap?.(whole, { path, moment }) ?? whole;
  const index = createTaskIndex({ tasks: 1 << 10, responses: 1 << 10, sources: 64 });
  const socket = createModelSocket({ ...deps, isAlive, parse: createParseMessage(index.isForeign) });
  const several = settings.endpoints && openSeveral(settings.endpoints);
  const daemon = createDaemon(
    {
      chain: createChain({
        rpc: several ?? ports.rpc,
        elsewhere: several?.elsewhere ?? ports.rpc,
        apart: several?.apart ?? (() => [ports.rpc, ports.second ?? ports.rpc]),
        ...(several && { passOver: several.passOver }),
        socket$: settings.hasSocket ? socket.messages$ : NEVER,
        deployment,
        finality: settings.finalityDepth,
        pollIntervalMs: 1_000,
        clock,
        report,
      }),
      index,
      journal: ports.journal,
      signers: deps.signers,
      owner: deps.owner,
      payload: createModelPayload(documents, { time, prng, isAlive }),
      policies,
      clock: wallClock,
      report,
      sweepTicks$: ports.sweepTicks$,
    },
    {
      chainId,
      controller: deployment.controller,
      watch: {
        sources: new Set([toAddress(sources[0].source)]),
        clients: new Set([toAddress(sources[1].client)]),
        own: true,
      },
      intake: {
        startBlock: settings.startBlock,
        maxBlockRange: settings.maxBlockRange,
        rewind: Math.max(64, 2 * settings.finalityDepth),
        auditEveryMs: 60_000,
      },
      judge: { maxPayment: wei(maxPayment), dryRun: settings.guardrails.dryRun },
      sink: {
        maxInFlight: settings.maxInFlight,
        rebroadcastAfterMs: settings.rebroadcastAfterMs,
        askAllUpTo: settings.askAllUpTo,
        guardrails: settings.guardrails.options,
      },
      maxFeePerGas,
      concurrency: 32,
    },
  );

  const kill = () => {
    alive = false;
    daemon.abort();
    opened.close().catch(() => undefined);
  };

  daemon.ended.then(
    () => alive && deps.onEnded(),
    (error) => {
      if (!alive) return;
      if (!ousted) return deps.onBroken(error);
      trace.note(`the ousted daemon ends: ${(error as Error).message}`);
      kill();
    },
  );
  daemon.start();
  return {
    isAlive,
    push: socket.push,
    stop: daemon.stop,
    pause: () => pausePaying(opened, { who: "a person", why: "a look" }, wallClock.now()),
    resume: () => resumePaying(opened, { who: "a person", why: "looked" }, wallClock.now()),
    stallUntil,
    oust: () => {
      ousted = true;
    },
    isOusted: () => ousted,
    kill,
  };
}

/** Stands between the daemon and an endpoint: tells the oracle what is sent, and lets the process die around it. */
function gate(
  endpoint: HttpRpc,
  isAlive: () => boolean,
  moment: (what: string) => void,
  onSent: (raw: Hex) => void,
): HttpRpc {
  const never = new Promise<never>(() => undefined);
  const batch: HttpRpc["batch"] = async (calls) => {
    if (!isAlive()) return never;
    const sends = calls.filter(({ method }) => method === "eth_sendRawTransaction");
    if (sends.length > 0) moment("before a broadcast");
    if (!isAlive()) return never;
    for (const { params } of sends) onSent(params[0] as Hex);
    let answers: readonly RpcAnswer[];
    try {
      answers = await endpoint.batch(calls);
    } catch (error) {
      if (!isAlive()) return never;
      throw error;
    }
    if (sends.length > 0) moment("after a broadcast");
    return isAlive() ? answers : never;
  };
  return {
    ...endpoint,
    batch,
    call: async <T>(method: string, ...params: readonly unknown[]) => {
      const [answer] = await batch([{ method, params }]);
      if (answer === undefined) throw new TypeError("no answer");
      if ("error" in answer) throw answer.error;
      return answer.result as T;
    },
  };
}
