/** What a confirmation takes, learned from the node's own estimates; gas units. */
export type GasFigure = {
  /** `undefined` where nothing was estimated lately: the node is asked again. */
  readonly known: () => bigint | undefined;
  readonly learn: (estimate: bigint) => void;
};

/** An estimate is trusted for so long: the contracts behind it can be changed. */
const freshMs = 600_000;

/** Keeps the highest estimate of the last while. What it answers is tried on every call before anything is signed. */
export function createGasFigure(now: () => number): GasFigure {
  let highest: { readonly gas: bigint; readonly at: number } | undefined;
  const known = () => (highest !== undefined && now() - highest.at < freshMs ? highest.gas : undefined);
  return {
    known,
    learn: (gas) => {
      const before = known();
      if (before === undefined || gas > before) highest = { gas, at: now() };
    },
  };
}
