import type { PolicyCaps, PolicySet } from "../../src/policy/policyPort.ts";
import { type Wei, wei } from "../../src/protocol/brand.ts";
import { dayMs, hourMs, noCaps, noCeilings } from "../../src/sink/guardrails/caps.ts";
import type { GuardOptions } from "../../src/sink/guardrails/guard.ts";
import { ordinaryPayment } from "./actors.ts";
import type { Prng } from "./prng.ts";

/** What keeps the daemons of a run from paying. */
export type Guardrails = {
  readonly options: GuardOptions;
  /** Of the policy that pays. */
  readonly caps: PolicyCaps;
  /** How likely each confirmation reverts although it was tried before. */
  readonly revertChance: number;
  /** How often somebody pauses paying. */
  readonly pauses: number;
  readonly dryRun: boolean;
};

/** A ceiling on sums of prices. */
export type Ceiling = {
  readonly name: string;
  readonly lengthMs: number;
  /** Wei. */
  readonly limit: bigint;
  readonly isOfProvider: boolean;
};

const none: Guardrails = {
  options: { ...noCeilings, revertsToPause: 0 },
  caps: noCaps,
  revertChance: 0,
  pauses: 0,
  dryRun: false,
};

/** Each lets a few payments through; none is below a single price. */
const places = [
  ["options", "perHour", [1, 1, 2]],
  ["options", "perDay", [1, 2, 3]],
  ["options", "perProviderHour", [1]],
  ["caps", "perHour", [1, 1, 2]],
  ["caps", "perDay", [1, 2, 3]],
  ["caps", "perProviderHour", [1]],
] as const;

/** @param always Some run has them all the time. */
export function drawGuardrails(prng: Prng, always: boolean): Guardrails {
  if (prng.chance(0.02)) return { ...none, dryRun: !always };
  if (!prng.chance(0.35) && !always) return none;
  const drawn: { options: Record<string, Wei>; caps: Record<string, Wei> } = { options: {}, caps: {} };
  for (let count = prng.pick([0, 1, 1, 1, 1, 2, 3]); count > 0; count--) {
    const [whose, name, units] = prng.pick(places);
    drawn[whose][name] = wei(ordinaryPayment * BigInt(prng.pick(units)));
  }
  if (prng.chance(0.25)) drawn.options.gasPerDay = wei(ordinaryPayment * BigInt(prng.pick([1, 2, 5])));
  const revertsToPause = prng.chance(0.4) ? prng.pick([1, 1, 2, 3]) : 0;
  return {
    options: { ...none.options, ...drawn.options, revertsToPause },
    caps: { ...noCaps, ...drawn.caps },
    revertChance: revertsToPause > 0 ? 0.35 : 0,
    pauses: prng.pick([0, 0, 1, 2]),
    dryRun: false,
  };
}

export function ceilingsOf({ options, caps }: Guardrails): readonly Ceiling[] {
  const one = (name: string, limit: Wei | undefined, lengthMs: number, isOfProvider = false): readonly Ceiling[] =>
    limit === undefined ? [] : [{ name, limit, lengthMs, isOfProvider }];
  return [
    ...one("guardrails.perHour", options.perHour, hourMs),
    ...one("guardrails.perDay", options.perDay, dayMs),
    ...one("guardrails.perProviderHour", options.perProviderHour, hourMs, true),
    ...one("caps.perHour", caps.perHour, hourMs),
    ...one("caps.perDay", caps.perDay, dayMs),
    ...one("caps.perProviderHour", caps.perProviderHour, hourMs, true),
  ];
}

/** Milliseconds until every ceiling has room again; 0: there is none. */
export const longestWindow = (guardrails: Guardrails): number =>
  Math.max(
    0,
    ...ceilingsOf(guardrails).map(({ lengthMs }) => lengthMs),
    guardrails.options.gasPerDay === undefined ? 0 : dayMs,
  );

/** The policies with these ceilings in their files. */
export function withCaps(set: PolicySet, caps: PolicyCaps): PolicySet {
  const capped = new Map(
    set.policies.map((policy) => [policy, { ...policy, caps: { ...caps, perTask: policy.caps.perTask } }]),
  );
  return {
    policies: [...capped.values()],
    select: (task) => {
      const found = set.select(task);
      return found && capped.get(found);
    },
  };
}
