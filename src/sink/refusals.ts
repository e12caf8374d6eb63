import type { Confirmation } from "../journal/journal.ts";
import type { Hash } from "../protocol/brand.ts";
import type { AnswerClass } from "./nodeErrors.ts";

/** Bytes that nodes refuse, for good as they say. */
type Refusal = {
  /** The bytes. */
  readonly hash: Hash;
  /** How often in a row; bytes that a node took, or may have taken, begin anew. */
  readonly times: number;
  /** What was said last. */
  readonly message: string;
  /** The same nonce was signed anew already because of such refusals. */
  readonly wasMended: boolean;
  /** The operator was told that nothing helps. */
  readonly wasTold: boolean;
};

/** What nodes said of the newest bytes of each confirmation in flight, where they call them hopeless. */
export type Refusals = {
  readonly note: (confirmation: Confirmation, answer: AnswerClass, message: string) => void;
  /** Of its newest bytes; `undefined`: nobody calls them hopeless. */
  readonly of: (confirmation: Confirmation) => Refusal | undefined;
  readonly mended: (id: number) => void;
  readonly told: (id: number) => void;
  readonly forget: (id: number) => void;
  readonly clear: () => void;
};

/** Says nothing about the bytes: silence, or a node that has no room to look at them. */
export const isSilent = (answer: AnswerClass): boolean => answer === "perhaps-sent" || answer === "busy";

export function createRefusals(): Refusals {
  const known = new Map<number, Refusal>();
  const change = (id: number, changes: Partial<Refusal>) => {
    const before = known.get(id);
    if (before) known.set(id, { ...before, ...changes });
  };
  return {
    note: ({ id, attempts }, answer, message) => {
      const hash = attempts.at(-1)?.hash;
      const before = known.get(id);
      if (hash === undefined || isSilent(answer)) return;
      const times = answer !== "hopeless" ? 0 : before?.hash === hash ? before.times + 1 : 1;
      if (times === 0 && before === undefined) return;
      known.set(id, { wasMended: false, wasTold: false, ...before, hash, times, message });
    },
    of: ({ id, attempts }) => {
      const refusal = known.get(id);
      return refusal !== undefined && refusal.times > 0 && refusal.hash === attempts.at(-1)?.hash ? refusal : undefined;
    },
    mended: (id) => change(id, { wasMended: true }),
    told: (id) => change(id, { wasTold: true }),
    forget: (id) => void known.delete(id),
    clear: () => known.clear(),
  };
}
