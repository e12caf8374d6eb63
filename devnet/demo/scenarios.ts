import type { Behaviour } from "../actors/behaviours.ts";
import * as behave from "../actors/behaviours.ts";

/** Who is expected to be paid: a provider by its place in the cast, the chain's own choice, or nobody. */
export type Expectation = { readonly paid: number } | "chain" | "nobody";

export type Scenario = {
  readonly name: string;
  /** Providers in the order in which they answer; the next one starts when the one before has submitted. */
  readonly cast: readonly Behaviour[];
  /** Those after the first one start together: they compete. */
  readonly compete?: boolean;
  /** The function that the task's config names; it decides which policy judges. @default "analyze_sentiment" */
  readonly functionName?: string;
  readonly expected: Expectation;
  /** @default "manual" */
  readonly source?: "manual" | "first-response";
  /** The client takes the task back before anybody answers. */
  readonly canceled?: boolean;
};

const asking = (name: string, priceBps: number): Behaviour => ({ ...behave.honest({ priceBps }), name });
const market = { compete: true, functionName: "compare_sentiment" } as const;

/** What the demo plays, in turn. */
export const scenarios: readonly Scenario[] = [
  { name: "honest", cast: [behave.honest()], expected: { paid: 0 } },
  { name: "overpriced, then fair", cast: [behave.overpriced(), behave.honest()], expected: { paid: 1 } },
  {
    name: "four prices, cheapest valid",
    cast: [
      asking("dear", 9_000),
      asking("middling", 6_000),
      asking("cheap", 3_000),
      behave.errorText({ priceBps: 1_000 }),
    ],
    expected: { paid: 2 },
    ...market,
  },
  { name: "wrong schema, then right", cast: [behave.wrongSchema(), behave.honest()], expected: { paid: 1 } },
  { name: "error text only", cast: [behave.errorText()], expected: "nobody" },
  { name: "honest, copied by another", cast: [behave.honest(), behave.copycat()], expected: { paid: 0 } },
  { name: "slow", cast: [behave.slow()], expected: { paid: 0 } },
  { name: "dead URL, then honest", cast: [behave.deadUrl(), behave.honest()], expected: { paid: 1 } },
  { name: "FIRST_RESPONSE source", cast: [behave.honest()], expected: "chain", source: "first-response" },
  { name: "huge payload, then honest", cast: [behave.hugePayload(), behave.honest()], expected: { paid: 1 } },
  { name: "inline and cheap", cast: [behave.inline({ priceBps: 4_000 })], expected: { paid: 0 } },
  {
    name: "hopeless",
    cast: [behave.wrongSchema(), behave.errorText(), behave.notJson(), behave.overpriced()],
    expected: "nobody",
  },
  { name: "canceled by the client", cast: [], expected: "nobody", canceled: true },
  { name: "dripping payload", cast: [behave.slowPayload()], expected: "nobody" },
  { name: "tampered payload, then honest", cast: [behave.tampered(), behave.honest()], expected: { paid: 1 } },
  {
    name: "undercut by rubbish",
    cast: [asking("fair", 7_000), behave.wrongSchema({ priceBps: 500 }), asking("fairer", 5_000)],
    expected: { paid: 2 },
    ...market,
  },
];
