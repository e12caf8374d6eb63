import type { AccountAddress, Hex } from "../protocol/brand.ts";
import { type TriedAnswer, type TriedCall, tryCalls } from "./callsFrom.ts";
import type { Read } from "./contractReads.ts";
import { saysBehind } from "./endpoints/answerShapes.ts";
import { type HttpRpc, type RpcAnswer, type RpcCall, RpcError } from "./jsonRpc.ts";

/** Reads as one call, and what was tried behind them by an account. */
type Together = {
  readonly values: readonly unknown[];
  /** `undefined` where the node was asked one by one: nothing was tried then. */
  readonly tried: readonly TriedAnswer[] | undefined;
};

export type Tries = { readonly from: AccountAddress; readonly calls: readonly TriedCall[] };

/** Gas that any one read may take: a contract that takes more is asked by itself, and harms no other. */
export const readGas = 2_000_000n;
/** Milliseconds for which a node that did not do this is not asked to again. */
export const refusedMs = 60_000;
/** Reads come from somebody; nobody has the key of this account. */
const reader = "0x000000000000000000000000000000000000c0de" as AccountAddress;

/**
 * View calls in one `eth_call`, with whatever else is read in the same request: a node sets up its machine once instead of a
 * dozen times. Where it does not do that, it is asked one by one.
 */
export function createReadTogether(rpc: HttpRpc, now: () => number) {
  let refusedUntil = Number.NEGATIVE_INFINITY;
  return async (reads: readonly Read<unknown>[], block: Hex, tries?: Tries): Promise<Together> => {
    const views = reads.filter(({ call }) => call.method === "eth_call");
    const others = reads.filter(({ call }) => call.method !== "eth_call");
    // A node without the block says so in words of its own, which tell nothing else: neither of contracts, nor of what it does.
    const nothing: Together = { values: reads.map(() => undefined), tried: undefined };
    const apart = async (): Promise<Together> => {
      const asked = await rpc.batch(reads.map(({ call }) => call));
      if (lacksBlock(reads, asked)) return nothing;
      return { values: reads.map(({ decode }, at) => decode(asked[at] as RpcAnswer)), tried: undefined };
    };
    if (now() < refusedUntil) return apart();
    const calls = [...views.map(({ call }) => ({ ...targetOf(call), gas: readGas })), ...(tries?.calls ?? [])];
    const { answers, refusal, rest } = await tryCalls(
      rpc,
      { from: tries?.from ?? reader, calls, block },
      others.map(({ call }) => call),
    );
    if (lacksBlock(others, rest)) return nothing;
    if (answers === undefined) {
      if (refusal === undefined || !saysBehind(refusal)) refusedUntil = now() + refusedMs;
      return apart();
    }
    const read = answers.slice(0, views.length);
    // Without a word: it may have been the gas.
    if (read.some(({ ok, data }) => !ok && data === "0x")) return apart();
    const [viewed, asked] = [read.values(), rest.values()];
    const values = reads.map(({ call, decode }) =>
      decode(call.method === "eth_call" ? toRpcAnswer(viewed.next().value) : (asked.next().value as RpcAnswer)),
    );
    return { values, tried: answers.slice(views.length) };
  };
}

const lacksBlock = (reads: readonly Read<unknown>[], answers: readonly RpcAnswer[]): boolean =>
  reads.some(({ call }, at) => {
    const answer = answers[at];
    return call.method === "eth_getBlockByNumber" && answer && "result" in answer && answer.result === null;
  });

export const targetOf = ({ params }: RpcCall): { readonly to: Hex; readonly data: Hex } => params[0] as never;

export const toRpcAnswer = (answer: TriedAnswer | undefined): RpcAnswer =>
  answer?.ok ? { result: answer.data } : { error: new RpcError("execution reverted", 3, answer?.data) };
