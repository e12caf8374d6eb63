import type { ChainPort } from "../../chain/chainPort.ts";
import type { AccountAddress } from "../../protocol/brand.ts";
import type { Reporter } from "../../report.ts";
import { feeCap } from "../fees.ts";
import type { GasFigure } from "../gasFigure.ts";

export type RunwayDeps = {
  readonly chain: Pick<ChainPort, "balance" | "fees">;
  readonly signer: { readonly address: AccountAddress };
  readonly gasFigure: GasFigure;
  readonly now: () => number;
  readonly report: Reporter;
};

/** Tells the operator before the key cannot pay its gas any more. */
export type Runway = { readonly look: () => Promise<void> };

const everyMs = 60_000;
/** Gas units of a confirmation, until one was estimated. */
const usualGas = 150_000n;

/**
 * Estimates how many confirmations a key's balance pays for at the price of gas now; says so when that falls below
 * `warnBelow`, and when it is enough again.
 */
export function createRunway({ chain, signer, gasFigure, now, report }: RunwayDeps, warnBelow: number): Runway {
  let lookedAt: number | undefined;
  let isLow = false;
  return {
    look: async () => {
      if (warnBelow === 0 || (lookedAt !== undefined && now() - lookedAt < everyMs)) return;
      lookedAt = now();
      const [balance, fees] = await Promise.all([chain.balance(signer.address), chain.fees()]);
      const each = ((gasFigure.known() ?? usualGas) * 5n * feeCap(fees)) / 4n;
      const confirmations = each === 0n ? Number.POSITIVE_INFINITY : Number(balance / each);
      if (confirmations < warnBelow === isLow) return;
      isLow = !isLow;
      report({ type: "balance", signer: signer.address, balance, confirmations, low: isLow });
    },
  };
}
