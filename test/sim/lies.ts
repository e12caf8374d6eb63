import type { Hex } from "../../src/protocol/brand.ts";
import { TaskStatus } from "../../src/protocol/statuses.ts";
import type { Faults } from "./faults.ts";
import { askedOfTask, type CallResult, withExpiryOver } from "./modelCalls.ts";
import type { Block } from "./modelChain.ts";
import type { ModelState } from "./modelContracts.ts";
import type { Prng } from "./prng.ts";
import { numberWord, quantity } from "./words.ts";

type Told = Extract<CallResult, { ok: true }>;

/** What a node says that was never so. */
export type Lies = {
  /** What it says of a task in the place of the truth; `undefined`: it tells that. */
  readonly ofTask: (
    state: ModelState,
    call: { readonly to: Hex; readonly data: Hex },
    truth: () => CallResult,
  ) => Told | undefined;
  /** The block, or the same with a time after every task's end. */
  readonly ofTime: (block: Block["wire"] | undefined) => Block["wire"] | undefined;
  /** Whether it tries the confirmation of this response as if it came after the task's end. */
  readonly ofExpiry: (state: ModelState, response: Hex) => boolean;
};

/** A node that is honest. */
export const truths: Lies = { ofTask: () => undefined, ofTime: (block) => block, ofExpiry: () => false };

const { CANCELED, EXPIRED, FINALIZED } = TaskStatus;
const closed = [CANCELED, EXPIRED, FINALIZED] as const;
const word = (value: number): Told => ({ ok: true, data: `0x${numberWord(value)}` });

/** What any node of a run may say: of each task once that it is closed, and of one block once that it is late. */
export function createLies({ faults, prng }: { readonly faults: Faults; readonly prng: Prng }): Lies {
  const liedAbout = new Set<Hex>();
  let hasLiedOfTime = false;
  return {
    ofTask: (state, call) => {
      if (askedOfTask(state, call) !== "getStatus") return undefined;
      if (liedAbout.has(call.to) || !faults.strikes("status lied")) return undefined;
      liedAbout.add(call.to);
      return word(prng.pick(closed));
    },
    ofTime: (block) => {
      if (block === undefined || hasLiedOfTime || !faults.strikes("time lied")) return block;
      hasLiedOfTime = true;
      return { ...block, timestamp: quantity(2 ** 33) };
    },
    ofExpiry: () => false,
  };
}

export type LiarDeps = {
  /** What it says of everything else. */
  readonly others: Lies;
  readonly prng: Prng;
  /** From then on it tells the truth. */
  readonly isOver: () => boolean;
};

/** A node that says of some tasks that they are over, by their status or by their time, whenever it is asked. */
export function createLiar({ others, prng, isOver }: LiarDeps): Lies {
  const drawn = new Map<Hex, number | "expired" | "nothing">();
  const lieOf = (address: Hex) => {
    if (isOver()) return "nothing";
    const task = address.toLowerCase() as Hex;
    const lie = drawn.get(task) ?? prng.pick(["nothing", "nothing", "expired", prng.pick(closed)] as const);
    drawn.set(task, lie);
    return lie;
  };
  return {
    ofTime: others.ofTime,
    ofTask: (state, call, truth) => {
      const asked = askedOfTask(state, call);
      const lie = asked === undefined ? "nothing" : lieOf(call.to);
      if (typeof lie === "number" && asked === "getStatus") return word(lie);
      if (lie === "expired" && asked === "getExpiryTime") return word(1);
      const told = lie === "expired" && asked === "taskParams" ? truth() : undefined;
      return told?.ok ? { ok: true, data: withExpiryOver(told.data) } : others.ofTask(state, call, truth);
    },
    ofExpiry: ({ responses }, response) => {
      const task = responses.get(response)?.task;
      return task !== undefined && lieOf(task) === "expired";
    },
  };
}
