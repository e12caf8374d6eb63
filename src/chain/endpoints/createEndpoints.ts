import { type Observable, Subject } from "rxjs";
import { RetryableError } from "../../errors.ts";
import type { Hex } from "../../protocol/brand.ts";
import { type HttpRpc, type RpcAnswer, type RpcCall, RpcError, resultOf, sendMethod } from "../jsonRpc.ts";
import { isBehind } from "./answerShapes.ts";
import { inOrder } from "./candidates.ts";
import { createEndpoint, type Endpoint, type EndpointOptions } from "./createEndpoint.ts";
import { accountRefused, EndpointError } from "./endpointError.ts";
import type { EndpointHealth } from "./endpointHealth.ts";
import { answeredElsewhere } from "./refusedCalls.ts";
import { tellingRefusal } from "./tellingRefusal.ts";

export type EndpointsOptions = Omit<EndpointOptions, "url" | "name"> & {
  /** One at least; the order counts where nothing else tells them apart. */
  readonly urls: readonly string[];
};

/**
 * Several endpoints as one `HttpRpc`: the healthiest answers, the next one where it fails. What a batch is answered is never
 * spread over two endpoints. What one refuses for reasons of its own (a method that it does not do, state that it has dropped)
 * another one is asked for; where all refuse some of it, the answer is the first one's of those that refuse least. Transactions go
 * to all healthy ones: one alone to all at once, several in a batch to one for its word, and then to the others.
 */
export type Endpoints = HttpRpc & {
  /** One endpoint, for reads that must agree: the healthiest now, or the one of that name. It fails rather than change. */
  readonly pin: (name?: string) => Endpoint;
  /** A second opinion: like the whole, but not the endpoint that answers at present, unless no other one does that. */
  readonly elsewhere: HttpRpc;
  /**
   * Two that never answer for each other: the endpoint that answers at present, which fails rather than change, and all the others.
   * The same one twice where there is no other that reads contracts.
   */
  readonly apart: () => readonly [HttpRpc, HttpRpc];
  /**
   * Asks another endpoint first for this method, for a while and where there is one, if that is true of the one that is asked first at
   * present.
   */
  readonly passOver: (method: string, why: Error, isTrueOf: (endpoint: HttpRpc) => Promise<boolean>) => Promise<void>;
  /** All but one, the best first. */
  readonly others: (than: string) => readonly Endpoint[];
  readonly each: () => readonly Endpoint[];
  /**
   * Sends the same bytes to all healthy endpoints at once.
   * Where they only refuse the daemon's keys, to the others, too.
   * @returns the hash, as soon as one accepts. @throws the most telling refusal where none does.
   */
  readonly broadcast: (raw: Hex) => Promise<Hex>;
  readonly health: () => readonly EndpointHealth[];
  /** The number of each head that an endpoint tells of. Hot. */
  readonly head$: Observable<bigint>;
};

/** What it takes to read contracts in one block. */
const contractReads: readonly RpcCall[] = ["eth_getBlockByNumber", "eth_call"].map((method) => ({
  method,
  params: [],
}));

/** @throws RetryableError from every method where no endpoint answers; RpcError where one refuses. */
export function createEndpoints({ urls, ...options }: EndpointsOptions): Endpoints {
  const { clock, timeoutMs, cooldownMs, report } = options;
  const heads = new Subject<bigint>();
  let current: Endpoint | undefined;

  const newestHead = (some: readonly Endpoint[] = endpoints): bigint | undefined =>
    some
      .map((endpoint) => endpoint.health().head)
      .reduce(
        (newest, head) => (newest === undefined || (head !== undefined && head > newest) ? head : newest),
        undefined,
      );
  const newestBesides = (name: string): bigint | undefined => {
    const others = endpoints.filter((endpoint) => endpoint.name !== name);
    return others.length === 0 ? undefined : (newestHead(others) ?? 0n);
  };
  const onHead = (from: string, head: bigint) => {
    heads.next(head);
    // An endpoint that nobody asks would keep a head from long ago, and one that hangs behind would not be noticed.
    for (const other of endpoints) {
      const { state, ahead } = other.health();
      if (other.name === from || state !== "healthy") continue;
      // Only by its head one is back that exaggerated, whatever else it is asked for.
      if (ahead === 0 && clock.now() - other.askedAt() < cooldownMs) continue;
      void other.call("eth_blockNumber").catch(() => undefined);
    }
  };
  const names = uniqueNames(urls);
  const endpoints = urls.map((url, index) =>
    createEndpoint({ ...options, url, name: names[index] as string }, { newestHead, newestBesides, onHead }),
  );
  const order = (pool: readonly Endpoint[] = endpoints) => inOrder(pool, current);
  const preferred = (calls: readonly RpcCall[] = []): Endpoint => {
    const { usable, rest } = order();
    const [first] = [...ableFirst(usable, calls), ...rest];
    if (first === undefined) throw new TypeError("no endpoints");
    return first;
  };
  const settleOn = (endpoint: Endpoint) => {
    if (current !== undefined && current !== endpoint)
      report({ type: "endpoint", endpoint: endpoint.name, event: "chosen", before: current.name });
    current = endpoint;
  };

  /** @param asked Those that were asked are added to it. */
  const batchOn = async (
    pool: readonly Endpoint[],
    calls: readonly RpcCall[],
    asked = new Set<Endpoint>(),
  ): Promise<readonly RpcAnswer[]> => {
    const { usable, rest } = order(pool);
    const startedAt = clock.now();
    const errors: RetryableError[] = [];
    const healthiest = usable.length > 0 ? usable : rest;
    const inTurn = healthiest.some(({ lacks }) => lacks(calls)) ? ableFirst(healthiest, calls) : healthiest;
    let fallback: Fallback | undefined;
    for (const endpoint of inTurn) {
      // Where all have failed lately, one that hangs is enough for now.
      if (usable.length === 0 && errors.length > 0 && clock.now() - startedAt >= timeoutMs) break;
      if (fallback && addsNothing(endpoint, calls, fallback)) continue;
      asked.add(endpoint);
      try {
        const answers = await endpoint.batch(calls);
        const newest = newestHead();
        const lacks = answers.some((answer, index) => isBehind(calls[index] as RpcCall, answer, newest));
        const refused = answeredElsewhere(calls, answers);
        // One that is asked because a better one does not do this is no better for the rest.
        if (fallback === undefined && pool === endpoints && inTurn[0] === healthiest[0]) settleOn(endpoint);
        if (!lacks && refused.length === 0) return answers;
        fallback ??= { answers, refused };
        if (fallback.answers !== answers && isOfOneBehind(fallback)) break;
        if (!lacks && refused.length < fallback.refused.length) fallback = { answers, refused };
      } catch (error) {
        if (!(error instanceof RetryableError)) throw error;
        if (fallback && isOfOneBehind(fallback)) break;
        errors.push(error);
      }
    }
    if (fallback) return fallback.answers;
    // As in `broadcast`: none of them has looked at the transactions.
    if (usable.length > 0 && rest.length > 0 && areSends(calls) && errors.every(isOfAccount))
      return batchOn(rest, calls, asked);
    throw errors.length === 1 ? errors[0] : noneAnswered(errors);
  };

  const broadcast = async (raw: Hex): Promise<Hex> => {
    const { usable, rest } = order();
    const sendTo = async (some: readonly Endpoint[], before: readonly unknown[]): Promise<Hex> => {
      try {
        return await Promise.any(some.map((endpoint) => endpoint.send(raw)));
      } catch (error) {
        if (!(error instanceof AggregateError)) throw error;
        const errors = [...before, ...error.errors];
        // None of them has looked at it: the same bytes may go to those that are better left alone.
        if (some !== rest && rest.length > 0 && errors.every(isOfAccount)) return sendTo(rest, errors);
        throw tellingRefusal(errors);
      }
    };
    return sendTo(usable.length > 0 ? usable : rest, []);
  };

  /**
   * The word on several transactions is one endpoint's. It may pass nothing on, so the others get the same bytes, and nobody
   * waits for what they say: after it, not beside it, since one that is asked in its place would know them already.
   */
  const broadcastAll = async (calls: readonly RpcCall[]): Promise<readonly RpcAnswer[]> => {
    const { rest } = order();
    const asked = new Set<Endpoint>();
    try {
      return await batchOn(endpoints, calls, asked);
    } finally {
      // Those that are better left alone are, unless one of them had to be asked.
      const some = rest.some((endpoint) => asked.has(endpoint)) ? endpoints : order().usable;
      for (const other of some)
        if (!asked.has(other) && !other.lacks(calls)) void other.batch(calls).catch(() => undefined);
    }
  };

  const rpcOver = (poolFor: (calls: readonly RpcCall[]) => readonly Endpoint[]) => {
    const batch = async (calls: readonly RpcCall[]): Promise<readonly RpcAnswer[]> => {
      const [call] = calls;
      if (call === undefined) return [];
      if (!areSends(calls)) return batchOn(poolFor(calls), calls);
      if (calls.length > 1) return broadcastAll(calls);
      try {
        return [{ result: await broadcast(call.params[0] as Hex) }];
      } catch (error) {
        if (error instanceof RpcError) return [{ error }];
        throw error;
      }
    };
    const call = async <T>(method: string, ...params: readonly unknown[]) =>
      resultOf((await batch([{ method, params }]))[0]) as T;
    return { batch, call };
  };
  const besides = (best: Endpoint, calls: readonly RpcCall[]): readonly Endpoint[] => {
    const rest = endpoints.filter((endpoint) => endpoint !== best && !endpoint.lacks(calls));
    return rest.length > 0 ? rest : [best];
  };
  const named = (poolFor: (calls: readonly RpcCall[]) => readonly Endpoint[]): HttpRpc => ({
    ...rpcOver(poolFor),
    get name() {
      return poolFor([])[0]?.name ?? "";
    },
  });
  /** One of each: what is learnt of how they are best asked is kept with it. */
  const othersThan = new Map(endpoints.map((best) => [best, named((calls) => besides(best, calls))]));

  return {
    ...rpcOver(() => endpoints),
    get name() {
      return preferred().name;
    },
    pin: (name) => endpoints.find((endpoint) => endpoint.name === name) ?? preferred(),
    elsewhere: named((calls) => besides(preferred(calls), calls)),
    apart: () => {
      const best = preferred(contractReads);
      return [best, othersThan.get(best) ?? best];
    },
    passOver: async (method, why, isTrueOf) => {
      const endpoint = preferred([{ method, params: [] }]);
      if (await isTrueOf(endpoint)) endpoint.passOver(method, why);
    },
    others: (than) => {
      const { usable, rest } = order(endpoints.filter(({ name }) => name !== than));
      return [...usable, ...rest];
    },
    each: () => endpoints,
    broadcast,
    health: () => endpoints.map((endpoint) => endpoint.health()),
    head$: heads.asObservable(),
  };
}

/** What serves where nobody has a whole answer. */
type Fallback = {
  readonly answers: readonly RpcAnswer[];
  /** Nothing: it lacks a block. */
  readonly refused: readonly RpcCall[];
};

const isOfOneBehind = ({ refused }: Fallback): boolean => refused.length === 0;

/** It is known to refuse the same; or anything, where a block is all that is wanted. */
const addsNothing = ({ lacks }: Endpoint, calls: readonly RpcCall[], fallback: Fallback): boolean =>
  isOfOneBehind(fallback) ? lacks(calls) : fallback.refused.every((call) => lacks([call]));

const areSends = (calls: readonly RpcCall[]): boolean => calls.every(({ method }) => method === sendMethod);

const isOfAccount = (error: unknown): boolean => error instanceof EndpointError && error.code === accountRefused.code;

/** Those that are not known to refuse any of these first. */
const ableFirst = (some: readonly Endpoint[], calls: readonly RpcCall[]): readonly Endpoint[] => [
  ...some.filter(({ lacks }) => !lacks(calls)),
  ...some.filter(({ lacks }) => lacks(calls)),
];

const noneAnswered = (errors: readonly Error[]) =>
  new EndpointError(`none of ${errors.length} endpoints answered: ${errors.map(({ message }) => message).join("; ")}`);

/** Hosts; numbered where two URLs share one, because a path may be a credential. */
function uniqueNames(urls: readonly string[]): readonly string[] {
  const hosts = urls.map((url) => new URL(url).host);
  return hosts.map((host, index) => {
    const before = hosts.slice(0, index).filter((each) => each === host).length;
    return before === 0 ? host : `${host}#${before + 1}`;
  });
}
