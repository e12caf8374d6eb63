import { type Observable, Subject } from "rxjs";
import { RetryableError } from "../../errors.ts";
import type { Hex } from "../../protocol/brand.ts";
import { type HttpRpc, type RpcAnswer, type RpcCall, RpcError, resultOf } from "../jsonRpc.ts";
import { isBehind } from "./answerShapes.ts";
import { inOrder } from "./candidates.ts";
import { createEndpoint, type Endpoint, type EndpointOptions } from "./createEndpoint.ts";
import { EndpointError } from "./endpointError.ts";
import type { EndpointHealth } from "./endpointHealth.ts";
import { tellingRefusal } from "./tellingRefusal.ts";

export type EndpointsOptions = Omit<EndpointOptions, "url" | "name"> & {
  /** One at least; the order counts where nothing else tells them apart. */
  readonly urls: readonly string[];
};

/**
 * Several endpoints as one `HttpRpc`: the healthiest answers, the next one where it fails. A batch is never spread over
 * two endpoints. `eth_sendRawTransaction` goes to all.
 */
export type Endpoints = HttpRpc & {
  /** One endpoint, for reads that must agree: the healthiest now, or the one of that name. It fails rather than change. */
  readonly pin: (name?: string) => Endpoint;
  /** A second opinion: like the whole, but not the endpoint that answers at present, unless it is the only one. */
  readonly elsewhere: HttpRpc;
  /** All but one, the best first. */
  readonly others: (than: string) => readonly Endpoint[];
  readonly each: () => readonly Endpoint[];
  /**
   * Sends the same bytes to all healthy endpoints at once.
   * @returns the hash, as soon as one accepts. @throws the most telling refusal where none does.
   */
  readonly broadcast: (raw: Hex) => Promise<Hex>;
  readonly health: () => readonly EndpointHealth[];
  /** The number of each head that an endpoint tells of. Hot. */
  readonly head$: Observable<bigint>;
};

const sendMethod = "eth_sendRawTransaction";

/** @throws RetryableError from every method where no endpoint answers; RpcError where one refuses. */
export function createEndpoints({ urls, ...options }: EndpointsOptions): Endpoints {
  const { clock, timeoutMs, cooldownMs, report } = options;
  const heads = new Subject<bigint>();
  let current: Endpoint | undefined;

  const newestHead = (): bigint | undefined =>
    endpoints
      .map((endpoint) => endpoint.health().head)
      .reduce(
        (newest, head) => (newest === undefined || (head !== undefined && head > newest) ? head : newest),
        undefined,
      );
  const onHead = (from: string, head: bigint) => {
    heads.next(head);
    // An endpoint that nobody asks would keep a head from long ago, and one that hangs behind would not be noticed.
    for (const other of endpoints) {
      const { state } = other.health();
      if (other.name === from || state !== "healthy" || clock.now() - other.askedAt() < cooldownMs) continue;
      void other.call("eth_blockNumber").catch(() => undefined);
    }
  };
  const names = uniqueNames(urls);
  const endpoints = urls.map((url, index) =>
    createEndpoint({ ...options, url, name: names[index] as string }, { newestHead, onHead }),
  );
  const order = (pool: readonly Endpoint[] = endpoints) => inOrder(pool, current);
  const preferred = (): Endpoint => {
    const { usable, rest } = order();
    const [first] = [...usable, ...rest];
    if (first === undefined) throw new TypeError("no endpoints");
    return first;
  };
  const settleOn = (endpoint: Endpoint) => {
    if (current !== undefined && current !== endpoint)
      report({ type: "endpoint", endpoint: endpoint.name, event: "chosen", before: current.name });
    current = endpoint;
  };

  const batchOn = async (pool: readonly Endpoint[], calls: readonly RpcCall[]): Promise<readonly RpcAnswer[]> => {
    const { usable, rest } = order(pool);
    const startedAt = clock.now();
    const errors: RetryableError[] = [];
    let fallback: readonly RpcAnswer[] | undefined;
    for (const endpoint of usable.length > 0 ? usable : rest) {
      // Where all have failed lately, one that hangs is enough for now.
      if (usable.length === 0 && errors.length > 0 && clock.now() - startedAt >= timeoutMs) break;
      try {
        const answers = await endpoint.batch(calls);
        const newest = newestHead();
        const lacks = answers.some((answer, index) => isBehind(calls[index] as RpcCall, answer, newest));
        if (fallback) return lacks ? fallback : answers;
        if (pool === endpoints) settleOn(endpoint);
        if (!lacks) return answers;
        fallback = answers;
      } catch (error) {
        if (!(error instanceof RetryableError)) throw error;
        if (fallback) return fallback;
        errors.push(error);
      }
    }
    if (fallback) return fallback;
    throw errors.length === 1 ? errors[0] : noneAnswered(errors);
  };

  const broadcast = async (raw: Hex): Promise<Hex> => {
    const { usable, rest } = order();
    try {
      return await Promise.any((usable.length > 0 ? usable : rest).map((endpoint) => endpoint.send(raw)));
    } catch (error) {
      throw error instanceof AggregateError ? tellingRefusal(error.errors) : error;
    }
  };

  const rpcOver = (pool: () => readonly Endpoint[]) => {
    const batch = async (calls: readonly RpcCall[]): Promise<readonly RpcAnswer[]> => {
      const [call] = calls;
      if (call === undefined) return [];
      if (calls.length > 1 || call.method !== sendMethod) return batchOn(pool(), calls);
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
  const second = (): readonly Endpoint[] => {
    const rest = endpoints.filter((endpoint) => endpoint !== preferred());
    return rest.length > 0 ? rest : endpoints;
  };

  return {
    ...rpcOver(() => endpoints),
    get name() {
      return preferred().name;
    },
    pin: (name) => endpoints.find((endpoint) => endpoint.name === name) ?? preferred(),
    elsewhere: {
      ...rpcOver(second),
      get name() {
        return second()[0]?.name ?? "";
      },
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
