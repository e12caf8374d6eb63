import type { AccountAddress, Hex } from "../protocol/brand.ts";
import { type TriedCall, tryCalls } from "./callsFrom.ts";
import type { Simulation } from "./chainPort.ts";
import { confirmData, confirmPreviews, type Preview, type PreviewAsk, readsOf, toPreview } from "./confirmPreviews.ts";
import { saysBehind } from "./endpoints/answerShapes.ts";
import type { HttpRpc } from "./jsonRpc.ts";
import { readGas, refusedMs, targetOf, toRpcAnswer } from "./readTogether.ts";
import { toQuantity } from "./wire.ts";

/** What a transaction pays before its call begins. */
const intrinsicGas = 21_000n;
/** A node that refuses so few in one call does not do this; one that refuses more may have a limit on gas, or on length. */
const few = 16;

type PreviewsDeps = {
  readonly rpc: HttpRpc;
  readonly controller: Hex;
  readonly now: () => number;
  /** For one whose gas is not known, or whose call fails: the whole answer, at the whole price. */
  readonly simulate: (ask: PreviewAsk) => Promise<Simulation>;
};

/** A confirmation, with what is known to suffice, and no more. */
export const tryOf = (controller: Hex, { response, gas = 0n }: Pick<PreviewAsk, "response" | "gas">): TriedCall => ({
  to: controller,
  data: confirmData(response),
  gas: gas > intrinsicGas ? gas - intrinsicGas : 1n,
});

/** As `confirmPreviews`, in one call for each account where the node can do that. */
export function createPreviews({ rpc, controller, now, simulate }: PreviewsDeps) {
  let refusedUntil = 0;
  let widest = Number.POSITIVE_INFINITY;
  let narrowUntil = 0;
  const one = (asks: readonly PreviewAsk[], block: bigint) =>
    confirmPreviews(rpc, controller, { asks, block }, simulate);
  const atOnce = async (asks: readonly PreviewAsk[], block: bigint): Promise<readonly (Preview | Error)[]> => {
    const from = asks[0]?.from;
    if (from === undefined || asks.some(({ gas }) => gas === undefined) || now() < refusedUntil)
      return one(asks, block);
    if (asks.length > widest && now() < narrowUntil) return inHalves(asks, block);
    const found = await previewsAtOnce(rpc, controller, { asks, from, block }, simulate);
    if (found !== undefined) return found;
    if (asks.length > few) {
      widest = Math.ceil(asks.length / 2);
      narrowUntil = now() + refusedMs;
      return inHalves(asks, block);
    }
    refusedUntil = now() + refusedMs;
    return one(asks, block);
  };
  const inHalves = async (asks: readonly PreviewAsk[], block: bigint): Promise<readonly (Preview | Error)[]> => {
    const middle = Math.ceil(asks.length / 2);
    // What the first half teaches of the node, the second need not learn.
    return [...(await atOnce(asks.slice(0, middle), block)), ...(await atOnce(asks.slice(middle), block))];
  };
  return async (asks: readonly PreviewAsk[], block: bigint): Promise<readonly (Preview | Error)[]> => {
    const accounts = [...new Set(asks.map(({ from }) => from))];
    const answers = new Map<PreviewAsk, Preview | Error>();
    await Promise.all(
      accounts.map(async (account) => {
        const its = asks.filter(({ from }) => from === account);
        const found = await atOnce(its, block);
        for (const [index, ask] of its.entries())
          answers.set(ask, found[index] ?? new TypeError("a preview is missing"));
      }),
    );
    return asks.map((ask) => answers.get(ask) ?? new TypeError("a preview is missing"));
  };
}

/**
 * State and simulation of several confirmations by one account, in one call. All states are read before anything is tried.
 *
 * A simulation has what is known to suffice, and no more: those after the first find warm what the first has touched.
 *
 * @returns `undefined` where the node does not do this: `confirmPreviews` asks one by one.
 * @throws RetryableError if the node does not answer.
 */
async function previewsAtOnce(
  rpc: HttpRpc,
  controller: Hex,
  {
    asks,
    from,
    block,
  }: { readonly asks: readonly PreviewAsk[]; readonly from: AccountAddress; readonly block: bigint },
  simulate: (ask: PreviewAsk) => Promise<Simulation>,
): Promise<readonly (Preview | Error)[] | undefined> {
  const parts = asks.map((ask) => ({ ask, reads: readsOf(ask, toQuantity(block)) }));
  const calls = [
    ...parts.flatMap(({ reads }) => reads.map(({ call }): TriedCall => ({ ...targetOf(call), gas: readGas }))),
    ...asks.map((ask) => tryOf(controller, ask)),
  ];
  const { answers, refusal } = await tryCalls(rpc, { from, calls, block: toQuantity(block) });
  // A node without the block has said nothing of whether it does this.
  if (refusal !== undefined && saysBehind(refusal)) return asks.map(() => refusal);
  if (answers === undefined) return undefined;
  const [read, tried] = [answers.slice(0, -asks.length), answers.slice(-asks.length)];
  // Without a word: it may have been the gas.
  if (read.some(({ ok, data }) => !ok && data === "0x")) return undefined;
  let at = 0;
  return Promise.all(
    parts.map(({ ask, reads }, index) => {
      const mine = read.slice(at, at + reads.length);
      at += reads.length;
      const state = reads.map(
        ({ decode }, place) =>
          () =>
            decode(toRpcAnswer(mine[place])),
      );
      return toPreview({ ask, block, state, passes: tried[index]?.ok === true }, simulate);
    }),
  );
}
