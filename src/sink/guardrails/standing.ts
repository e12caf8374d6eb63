import type { PolicyCaps } from "../../policy/policyPort.ts";
import type { Wei } from "../../protocol/brand.ts";
import { wei } from "../../protocol/brand.ts";
import { type Cap, type Ceilings, capsOf } from "./caps.ts";
import type { Ledger } from "./ledger.ts";
import type { Window } from "./window.ts";

/** How much of a ceiling is used. */
export type Standing = Pick<Cap, "name" | "scope" | "limit"> & {
  /** Wei. */
  readonly used: Wei;
  /** Wei; nothing where it was lowered below what is used. */
  readonly left: Wei;
  /** When the oldest of what is used leaves it, milliseconds since 1970; `undefined` where nothing is used. */
  readonly freesAt: number | undefined;
};

/**
 * Where every ceiling stands: the operator's, each policy's, and those on providers for whoever was paid lately.
 *
 * @param now Milliseconds since 1970.
 */
export function standings(
  ledger: Ledger,
  ceilings: Ceilings,
  policies: readonly { readonly name: string; readonly caps: PolicyCaps }[],
  now: number,
): readonly Standing[] {
  const ofPolicy = new Map(policies.map(({ name, caps }) => [name, caps]));
  const names = [...ofPolicy.keys(), ""].map((policy) => ({ policy, provider: undefined }));
  const caps = new Map<string, Cap>();
  for (const payee of [...names, ...ledger.payees(now)]) {
    for (const cap of capsOf(payee, ceilings, ofPolicy.get(payee.policy))) {
      if (!cap.scope.endsWith("provider unknown")) caps.set(`${cap.name} ${cap.scope}`, cap);
    }
  }
  const money = [...caps.values()].map((cap) => standingOf(cap, ledger.window(cap), now));
  const shown = money.filter(({ scope, used }) => !scope.includes("provider 0x") || used > 0n);
  const { gasPerDay } = ceilings;
  if (gasPerDay === undefined) return shown;
  const gas = { name: "guardrails.gasPerDay", scope: "all", limit: gasPerDay };
  return [...shown, standingOf(gas, ledger.gas, now)];
}

function standingOf(
  { name, scope, limit }: Pick<Cap, "name" | "scope" | "limit">,
  window: Pick<Window, "sum" | "freeAt">,
  now: number,
): Standing {
  const used = wei(window.sum(now));
  const left = wei(limit > used ? limit - used : 0n);
  return { name, scope, limit, used, left, freesAt: used === 0n ? undefined : window.freeAt(1n, now) };
}
