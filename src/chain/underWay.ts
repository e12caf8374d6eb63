import type { EndpointError } from "./endpoints/endpointError.ts";
import type { RpcRequest } from "./exchange.ts";
import type { WireError } from "./jsonRpc.ts";

/** Requests that went out together and wait for their answer. */
export type UnderWay = {
  readonly requests: readonly RpcRequest[];
  /** How many messages had come when they went out. */
  readonly heardBefore: number;
  readonly timer: NodeJS.Timeout;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: EndpointError) => void;
};

/** What a node sends, as far as it tells whose it is. */
export type Answer = { readonly id?: unknown; readonly error?: WireError };

export type Refusal = Answer & { readonly error: WireError };

type UnderWayList = {
  readonly all: ReadonlySet<UnderWay>;
  readonly add: (each: UnderWay) => void;
  readonly remove: (each: UnderWay) => void;
  /** By any of the ids: of a batch's answers some may be missing. */
  readonly ownerOf: (answers: readonly Answer[]) => UnderWay | undefined;
};

export function createUnderWayList(): UnderWayList {
  const all = new Set<UnderWay>();
  const byId = new Map<unknown, UnderWay>();
  return {
    all,
    add: (each) => {
      all.add(each);
      for (const { id } of each.requests) byId.set(id, each);
    },
    remove: (each) => {
      all.delete(each);
      for (const { id } of each.requests) byId.delete(id);
    },
    ownerOf: (answers) => byId.get(answers.find(({ id }) => byId.has(id))?.id),
  };
}

/** A refusal that does not say of what, as some nodes answer a batch that they do not take. */
export const namelessRefusal = (answers: readonly Answer[]): Refusal | undefined =>
  answers.find((answer): answer is Refusal => Boolean(answer.error) && (answer.id ?? null) === null);

/** The batch that is likeliest to be refused as such; `undefined` where there is none. */
export const widestBatch = (all: Iterable<UnderWay>): UnderWay | undefined =>
  [...all].filter(({ requests }) => requests.length > 1).toSorted((a, b) => b.requests.length - a.requests.length)[0];
