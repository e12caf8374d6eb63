import { RefusedError } from "../errors.ts";
import type { Transaction } from "./transaction.ts";

/** A call's place among those that set the same thing. */
export type Turn = {
  /** What it sets, e.g. `agent 0x…`. */
  readonly of: string;
  readonly at: number;
};

/** In which order the calls of one lane were begun, where that decides what holds in the end. */
export type Turns = {
  /** To be asked for before anything is waited for: whoever asks last has the last word. */
  readonly next: (of: string) => Turn;
  /** @throws RefusedError `SUPERSEDED` if a call that was begun later, and sets it otherwise, is signed already. */
  readonly require: (transaction: Transaction) => void;
  readonly signed: (transaction: Transaction, nonce: number) => void;
};

type Signed = Pick<Transaction, "what" | "data"> & { readonly at: number; readonly nonce: number };

export function createTurns(): Turns {
  const newest = new Map<string, Signed>();
  let count = 0;
  return {
    next: (of) => ({ of, at: count++ }),
    require: ({ what, data, turn }) => {
      const later = turn && newest.get(turn.of);
      if (!later || later.at < turn.at || later.data === data) return;
      throw new RefusedError(
        `${what} would undo what was called for after it: ${later.what}, which is signed in nonce ${later.nonce}`,
        { code: "SUPERSEDED", remedy: "nothing is left to do; call again if it is to hold after all" },
      );
    },
    signed: ({ what, data, turn }, nonce) => {
      if (turn && (newest.get(turn.of)?.at ?? -1) < turn.at) newest.set(turn.of, { what, data, at: turn.at, nonce });
    },
  };
}
