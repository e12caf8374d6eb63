import { expect, test } from "vitest";
import type { Policy, PolicyCaps, PolicySet } from "../../../src/policy/policyPort.ts";
import { fixedPolicies, rememberCaps, toStore } from "../../../src/policy/policyStore.ts";
import { wei } from "../../../src/protocol/brand.ts";
import { noCaps } from "../../../src/sink/guardrails/caps.ts";

const of = (tenths: bigint): PolicyCaps => ({ ...noCaps, perHour: wei(tenths) });
const setOf = (caps: Readonly<Record<string, PolicyCaps>>): PolicySet => ({
  policies: Object.entries(caps).map(([name, each]) => ({ name, caps: each }) as Policy),
  select: () => undefined,
});

test("a policy's ceilings are those that its file gave last, also once it is in force no more", () => {
  const known = rememberCaps();
  known.learn(setOf({ a: of(1n), b: of(2n) }));
  known.learn(setOf({ b: of(3n) }));
  expect([known.of("a"), known.of("b"), known.of("c")]).toEqual([of(1n), of(3n), undefined]);
});

test("policies that stay as they are have the ceilings that their files give", () => {
  const set = setOf({ a: of(1n) });
  for (const store of [fixedPolicies(set), toStore(set)]) {
    expect([store.current(), store.capsOf("a"), store.capsOf("b")]).toEqual([set, of(1n), undefined]);
  }
  const store = fixedPolicies(set);
  expect(toStore(store)).toBe(store);
});
