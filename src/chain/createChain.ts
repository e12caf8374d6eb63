import {
  catchError,
  distinctUntilChanged,
  EMPTY,
  exhaustMap,
  filter,
  from,
  map,
  merge,
  type Observable,
  share,
  tap,
  timer,
} from "rxjs";
import { encodeFunctionData } from "viem";
import type { Clock } from "../clock.ts";
import { RetryableError } from "../errors.ts";
import { controllerAbi, nexusAbi, sourceAbi, taskAbi, terminalAbi } from "../protocol/abi.ts";
import type { Hex, SourceAddress } from "../protocol/brand.ts";
import { toNonce } from "../protocol/brand.ts";
import type { Deployment } from "../protocol/chains.ts";
import { type ChainEvent, decodeEvent, eventTopics, type RpcLog } from "../protocol/events.ts";
import type { Reporter } from "../report.ts";
import type { ChainPort, Head } from "./chainPort.ts";
import { read, readAll } from "./contractReads.ts";
import { feesFrom } from "./fees.ts";
import { type HttpRpc, resultOf } from "./jsonRpc.ts";
import { readPages } from "./pages.ts";
import { revertReason } from "./revertReason.ts";
import type { SocketMessage } from "./rpcSocket.ts";
import { blockRead, snapshotReads, sourceReads, toSource } from "./snapshot.ts";
import { toHead, toQuantity, toReceipt, type WireBlock, type WireReceipt } from "./wire.ts";

export type ChainDeps = {
  readonly rpc: HttpRpc;
  /** Heads and logs as a node pushes them; `EMPTY`: heads are polled, and events come from the scanner alone. */
  readonly socket$: Observable<SocketMessage>;
  readonly deployment: Deployment;
  /** Milliseconds between two polls of the head. */
  readonly pollIntervalMs: number;
  readonly clock: Clock;
  readonly report: Reporter;
};

/** The filter for everything that the daemon wakes for: no event is indexed, so it is everybody's. */
export const nexusLogs = (deployment: Deployment) => ({
  address: deployment.nexus,
  topics: [Object.values(eventTopics)],
});

/** The `ChainPort` of a real node: JSON-RPC over HTTP, and a WebSocket where there is one. */
export function createChain(deps: ChainDeps): ChainPort {
  const { rpc, deployment } = deps;
  const logFilter = nexusLogs(deployment);
  let newest = 0n;
  const heard = (block: bigint) => {
    if (block > newest) newest = block;
  };

  const head = async (): Promise<Head> => {
    const found = toHead(await rpc.call<WireBlock>("eth_getBlockByNumber", "latest", false));
    heard(found.number);
    return found;
  };

  const call = async <T>(...args: Parameters<typeof read>): Promise<T | undefined> => {
    const [value] = await readAll(rpc, [read<T>(...args)] as const);
    return value;
  };

  const missing = (what: string, block: bigint) =>
    new RetryableError(`${rpc.name} does not have ${what} in block ${block}`, { code: "NODE_BEHIND" });

  return {
    ...streams(deps, head, heard),
    head,

    block: async (number) => (await readAll(rpc, [blockRead(toQuantity(number))] as const))[0],

    events: async (lower, upper) => {
      const range = { ...logFilter, fromBlock: toQuantity(lower), toBlock: toQuantity(upper) };
      const [logs, block] = await rpc.batch([
        { method: "eth_getLogs", params: [range] },
        { method: "eth_getBlockByNumber", params: [toQuantity(upper), false] },
      ]);
      const last = resultOf(block) as WireBlock | null;
      if (last === null) throw missing("its last block", upper);
      const events = (resultOf(logs) as RpcLog[]).map(decodeEvent).filter((event) => event !== undefined);
      return { events, last: toHead(last) };
    },

    source: async (address) => {
      const [params, status] = await readAll(rpc, sourceReads(address, "latest" as Hex));
      return toSource(address, params, status);
    },

    sourceOfTask: async (address) => {
      const source = await call<string>(taskAbi, address, "getSource", [], "latest" as Hex);
      return source?.toLowerCase() as SourceAddress | undefined;
    },

    tasksOfSource: async (address, first) => {
      const count = Number((await call<bigint>(sourceAbi, address, "getTaskCount", [], "latest" as Hex)) ?? 0n);
      const page = (lower: bigint, upper: bigint) =>
        call<readonly string[]>(sourceAbi, address, "getTasks", [lower, upper], "latest" as Hex);
      return { tasks: await readPages(first, count, page), count };
    },

    responsesOfTask: async (address) => {
      const attempts = Number((await call<bigint>(taskAbi, address, "getAttemptCount", [], "latest" as Hex)) ?? 0n);
      const page = (lower: bigint, upper: bigint) =>
        call<readonly string[]>(taskAbi, address, "getResponsesOf", [lower, upper], "latest" as Hex);
      return readPages(0, attempts, page);
    },

    sources: async (first) => {
      const { nexus } = deployment;
      const count = Number((await call<bigint>(nexusAbi, nexus, "getSourceCount", [], "latest" as Hex)) ?? 0n);
      const page = (lower: bigint, upper: bigint) =>
        call<readonly string[]>(nexusAbi, nexus, "getSources", [lower, upper], "latest" as Hex);
      return { sources: await readPages(first, count, page), count };
    },

    isAgentOf: async (client, agent) =>
      (await call<boolean>(terminalAbi, deployment.terminal, "getIsAgentOf", [client, agent], "latest" as Hex)) ??
      false,

    snapshot: async (task, source, responses) => {
      if (newest === 0n) await head();
      const at = newest;
      const { reads, decode } = snapshotReads(task, source, responses, at);
      const snapshot = decode(await readAll(rpc, reads));
      if (snapshot === undefined) throw missing(`task ${task}`, at);
      return snapshot;
    },

    simulateConfirm: async (sender, response) => {
      const data = encodeFunctionData({ abi: controllerAbi, functionName: "confirmResponse", args: [response] });
      try {
        const gas = await rpc.call<Hex>("eth_estimateGas", { from: sender, to: deployment.controller, data });
        return { ok: true, gas: BigInt(gas) };
      } catch (error) {
        const reason = revertReason(error);
        if (reason === undefined) throw error;
        return { ok: false, reason };
      }
    },

    fees: async () => feesFrom(rpc),

    minedNonce: async (account, at) =>
      toNonce(
        Number(await rpc.call<Hex>("eth_getTransactionCount", account, at === undefined ? "latest" : toQuantity(at))),
      ),

    broadcast: async (raw) => {
      try {
        await rpc.call("eth_sendRawTransaction", raw);
        return { ok: true };
      } catch (error) {
        return { ok: false, message: (error as Error).message };
      }
    },

    receipt: async (hash) => {
      const receipt = await rpc.call<WireReceipt | null>("eth_getTransactionReceipt", hash);
      return receipt === null ? undefined : toReceipt(receipt);
    },
  };
}

/** Heads and live events: from the socket where there is one; heads by polling in any case, so that silence is noticed. */
function streams(
  { clock, pollIntervalMs, socket$, report }: ChainDeps,
  head: () => Promise<Head>,
  heard: (block: bigint) => void,
): Pick<ChainPort, "head$" | "liveEvents$"> {
  const messages$ = socket$.pipe(share());
  const polled$ = timer(0, pollIntervalMs, clock.scheduler).pipe(
    exhaustMap(() =>
      from(head()).pipe(
        catchError((error) => {
          report({ type: "retry", what: "head", error, inMs: pollIntervalMs });
          return EMPTY;
        }),
      ),
    ),
  );
  const pushed$ = messages$.pipe(
    filter((message) => message.type === "head"),
    map((message) => message.head),
  );
  const head$ = merge(polled$, pushed$).pipe(
    tap(({ number }) => heard(number)),
    distinctUntilChanged((before, after) => before.hash === after.hash),
    share(),
  );
  const liveEvents$: Observable<readonly ChainEvent[]> = messages$.pipe(
    filter((message) => message.type === "log"),
    map((message) => decodeEvent(message.log)),
    filter((event) => event !== undefined),
    tap(({ at }) => heard(at.blockNumber)),
    map((event) => [event]),
  );
  return { head$, liveEvents$ };
}
