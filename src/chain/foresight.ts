import type { AccountAddress, Hex, ResponseAddress } from "../protocol/brand.ts";
import { ResponseStatus } from "../protocol/statuses.ts";
import type { TriedAnswer } from "./callsFrom.ts";
import type { Snapshot } from "./chainPort.ts";
import type { Preview, PreviewAsk } from "./confirmPreviews.ts";
import { tryOf } from "./previewsAtOnce.ts";
import type { Tries } from "./readTogether.ts";

/**
 * What a confirmation would meet is mostly asked of a response that was read a moment ago, in the same block: so it is tried
 * with the snapshot, and one request is saved while somebody waits to be paid. It is forgotten with the next head, and soon.
 */
export type Foresight = {
  /** What to try behind a snapshot's reads; `undefined`: it is not known yet who pays. */
  readonly tries: (responses: readonly ResponseAddress[]) => Tries | undefined;
  readonly remember: (
    snapshot: Pick<Snapshot, "block" | "task" | "responses">,
    tried: readonly TriedAnswer[],
    responses: readonly ResponseAddress[],
  ) => void;
  /** The preview, where it was foreseen in that very block. Learns who pays, and with how much gas. */
  readonly recall: (ask: PreviewAsk, block: bigint) => Preview | undefined;
  /** There is another head. */
  readonly forget: () => void;
};

/** More responses than these are not tried: most of them will not be paid. */
const most = 4;
/** Remembered at the same time, of one block. */
const limit = 1_000;
/** Milliseconds for which what was tried counts. */
const freshMs = 500;

export function createForesight(controller: Hex, now: () => number): Foresight {
  let payer: { readonly from: AccountAddress; readonly gas: bigint } | undefined;
  const foreseen = new Map<
    ResponseAddress,
    { readonly preview: Preview; readonly from: AccountAddress; readonly at: number }
  >();
  return {
    tries: (responses) => {
      if (payer === undefined || responses.length === 0 || responses.length > most) return undefined;
      const { from, gas } = payer;
      return { from, calls: responses.map((response) => tryOf(controller, { response, gas })) };
    },
    remember: ({ block, task, responses: read }, tried, responses) => {
      if (payer === undefined || foreseen.size >= limit) return;
      const { from, gas } = payer;
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
        foreseen.set(address, { preview, from, at: now() });
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
    forget: () => foreseen.clear(),
  };
}
