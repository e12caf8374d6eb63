import type { AccountAddress, Hash, Hex, ResponseAddress } from "../protocol/brand.ts";
import { ResponseStatus } from "../protocol/statuses.ts";
import type { TriedAnswer } from "./callsFrom.ts";
import type { Snapshot } from "./chainPort.ts";
import type { Preview, PreviewAsk } from "./confirmPreviews.ts";
import { tryOf } from "./previewsAtOnce.ts";
import type { Tries } from "./readTogether.ts";

/**
 * What a confirmation would meet is mostly asked of a response that was read a moment ago, in the same block: so it is tried
 * with the snapshot, and one request is saved while somebody waits to be paid. It is forgotten with the head of another block, and soon.
 */
export type Foresight = {
  /** What to try behind a snapshot's reads; `undefined`: it is not known yet who pays. */
  readonly tries: (responses: readonly ResponseAddress[]) => Foreseeing | undefined;
  /** What came of `tries`; nothing, where a head was heard of since that is another block than the snapshot's. */
  readonly remember: (
    snapshot: Pick<Snapshot, "block" | "task" | "responses">,
    tried: readonly TriedAnswer[],
    asked: Foreseeing,
  ) => void;
  /** The preview, where it was foreseen in that very block. Learns who pays, and with how much gas. */
  readonly recall: (ask: PreviewAsk, block: bigint) => Preview | undefined;
  /** There is another head: what was foreseen in any block but this one is forgotten. */
  readonly sawHead: (hash: Hash) => void;
};

/** What is tried, for whom, and when: what it comes to belongs to that, whoever pays meanwhile. */
type Foreseeing = Tries & {
  readonly responses: readonly ResponseAddress[];
  readonly gas: bigint;
  /** How many heads were heard of by then. */
  readonly heads: number;
};

/** More responses than these are not tried: most of them will not be paid. */
const most = 4;
/** Remembered at the same time, of one block. */
const limit = 1_000;
/** Milliseconds for which what was tried counts. */
const freshMs = 500;

export function createForesight(controller: Hex, now: () => number): Foresight {
  let heads = 0;
  let head: Hash | undefined;
  let payer: { readonly from: AccountAddress; readonly gas: bigint } | undefined;
  const foreseen = new Map<
    ResponseAddress,
    { readonly preview: Preview; readonly from: AccountAddress; readonly at: number; readonly hash: Hash }
  >();
  return {
    tries: (responses) => {
      if (payer === undefined || responses.length === 0 || responses.length > most) return undefined;
      const { from, gas } = payer;
      const calls = responses.map((response) => tryOf(controller, { response, gas }));
      return { from, gas, responses, heads, calls };
    },
    remember: ({ block, task, responses: read }, tried, { from, gas, responses, heads: then }) => {
      // Logs come before the head of their block, which says nothing new then.
      const isSame = then === heads || (then + 1 === heads && head === block.hash);
      if (!isSame || foreseen.size >= limit) return;
      for (const [index, address] of responses.entries()) {
        const response = read.find((each) => each.address === address);
        // What fails is asked with the whole answer.
        if (!response || response.status !== ResponseStatus.SUBMITTED || tried[index]?.ok !== true) continue;
        const preview = {
          block: block.number,
          taskStatus: task.status,
          response,
          simulation: { ok: true, gas },
        } as const;
        foreseen.set(address, { preview, from, at: now(), hash: block.hash });
      }
    },
    recall: ({ response, from, gas, withExpiry }, block) => {
      if (gas === undefined) return undefined;
      payer = { from, gas };
      const found = foreseen.get(response);
      if (found === undefined || withExpiry || found.from !== from || now() - found.at >= freshMs) return undefined;
      const { preview } = found;
      return preview.block === block && preview.simulation.ok && preview.simulation.gas <= gas ? preview : undefined;
    },
    sawHead: (hash) => {
      heads += 1;
      head = hash;
      for (const [response, found] of foreseen) if (found.hash !== hash) foreseen.delete(response);
    },
  };
}
