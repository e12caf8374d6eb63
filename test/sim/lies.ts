import type { Hex } from "../../src/protocol/brand.ts";
import { TaskStatus } from "../../src/protocol/statuses.ts";
import type { Faults } from "./faults.ts";
import { asksForStatus, type CallResult } from "./modelCalls.ts";
import type { Block } from "./modelChain.ts";
import type { ModelState } from "./modelContracts.ts";
import type { Prng } from "./prng.ts";
import { numberWord, quantity } from "./words.ts";

/** What the nodes of a run say that was never so: of each task once, and of the time of one block. */
export type Lies = {
  /** A status that closes the task; `undefined`: the node tells the truth. */
  readonly ofStatus: (
    state: ModelState,
    call: { readonly to: Hex; readonly data: Hex },
  ) => Extract<CallResult, { ok: true }> | undefined;
  /** The block, or the same with a time after every task's end. */
  readonly ofTime: (block: Block["wire"] | undefined) => Block["wire"] | undefined;
};

const { CANCELED, EXPIRED, FINALIZED } = TaskStatus;

export function createLies({ faults, prng }: { readonly faults: Faults; readonly prng: Prng }): Lies {
  const liedAbout = new Set<Hex>();
  let hasLiedOfTime = false;
  return {
    ofStatus: (state, call) => {
      if (!asksForStatus(state, call) || liedAbout.has(call.to) || !faults.strikes("status lied")) return undefined;
      liedAbout.add(call.to);
      return { ok: true, data: `0x${numberWord(prng.pick([CANCELED, EXPIRED, FINALIZED]))}` };
    },
    ofTime: (block) => {
      if (block === undefined || hasLiedOfTime || !faults.strikes("time lied")) return block;
      hasLiedOfTime = true;
      return { ...block, timestamp: quantity(2 ** 33) };
    },
  };
}
