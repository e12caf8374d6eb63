import type { ChainPort } from "../../chain/chainPort.ts";
import type { AccountAddress } from "../../protocol/brand.ts";
import type { Reporter } from "../../report.ts";
import { readFunds } from "../funds.ts";
import type { GasFigure } from "../gasFigure.ts";

type RunwayDeps = {
  readonly chain: Pick<ChainPort, "balance" | "fees">;
  readonly signer: { readonly address: AccountAddress };
  readonly gasFigure: GasFigure;
  /** Confirmations of the key that are not mined. */
  readonly unmined: () => number;
  readonly now: () => number;
  readonly report: Reporter;
};

/** How far a key's balance reaches. */
type Runway = {
  /** Reads the balance, where that was not done lately; tells the operator before it cannot pay gas any more. */
  readonly look: () => Promise<void>;
  /** How many confirmations may be in flight, by the balance; infinite until it was read. */
  readonly affordable: () => number;
  /** A node said that the money is missing: nothing more is signed until the balance was read again. */
  readonly doubt: () => void;
  /** Nothing is to be paid any more: whether it could be is no news. */
  readonly dismiss: () => void;
};

const restMs = { short: 5_000, plentiful: 60_000 };
/** A balance that pays for so many is read less often. */
const plenty = 5_000;

/**
 * Reads now and then how many confirmations a key's balance pays for, and reports it each time; says so when that falls
 * below `warnBelow`, and when it is enough again. A key that cannot pay for one more is given none.
 */
export function createRunway(deps: RunwayDeps, warnBelow: number): Runway {
  const { chain, signer, gasFigure, unmined, now, report } = deps;
  let lookedAt: number | undefined;
  let reach = Number.POSITIVE_INFINITY;
  let isLow = false;
  let isOut = false;
  const setOut = (out: boolean) => {
    if (out !== isOut) report({ type: "key", signer: signer.address, state: out ? "no-funds" : "funded" });
    isOut = out;
  };
  return {
    look: async () => {
      const rest = reach < plenty ? restMs.short : restMs.plentiful;
      const sinceMs = lookedAt === undefined ? undefined : now() - lookedAt;
      // A clock that was set back says nothing of how long ago it was.
      if (sinceMs !== undefined && sinceMs >= 0 && sinceMs < rest) return;
      const funds = await readFunds(chain, signer.address, gasFigure.known());
      lookedAt = now();
      reach = funds.confirmations;
      report({ type: "funds", signer: signer.address, ...funds });
      // Where a node has refused, what is in flight must fit as well.
      setOut(reach < 1 || (isOut && reach <= unmined()));
      if (reach < warnBelow === isLow) return;
      isLow = !isLow;
      report({ type: "balance", signer: signer.address, ...funds, low: isLow });
    },
    affordable: () => (isOut ? 0 : reach),
    doubt: () => {
      lookedAt = undefined;
      setOut(true);
    },
    dismiss: () => setOut(false),
  };
}
