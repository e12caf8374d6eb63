import type { FactsJson } from "../../src/policy/factsJson.ts";
import type { Candidate } from "../../src/policy/policyPort.ts";
import { candidateOf } from "../../src/policy/tools/fromFacts.ts";

export const labels = ["positive", "negative", "neutral"] as const;

const address = (number: number) => `0x${number.toString(16).padStart(40, "0")}`;

/** The facts of one response to task `number`; one of four asks too much, one of eight says what nobody asked. */
function factsOf(number: number, place: number): FactsJson {
  const serial = number * 64 + place;
  const json = { label: serial % 8 === 7 ? "great" : labels[place % 3], confidence: 0.9, text: "x".repeat(400) };
  const text = JSON.stringify(json);
  return {
    now: 2_000,
    task: {
      ...{
        address: address(1_000_000 + number),
        source: address(1),
        payment: "1000000000000000000",
        expiryTime: 90_000,
      },
      ...{ deliveryMethod: "MANUAL_CONFIRMATION", function: "analyze_sentiment", config: null },
    },
    source: { address: address(1), client: address(2), minPayment: "0", status: "ACTIVE" },
    response: {
      ...{ address: address(2_000_000 + serial), provider: address(3_000 + place) },
      payment: `${serial % 4 === 3 ? 95 : 50 + (place % 40)}0000000000000000`,
      submittedAt: 1_000 + place,
    },
    output: {
      ...{ valid: true, json, text, bytes: text.length, cidVerified: false, error: "" },
      digest: `d${serial}`,
    },
    provider: {
      address: address(3_000 + place),
      lockup: "2000000000000000000",
      eligible: true,
      master: address(4_000 + place),
    },
  };
}

export type Case = { readonly candidate: Candidate; readonly facts: readonly FactsJson[] };

/** Tasks with so many responses each, from a number on: none is like another. */
export const cases = (from: number, tasks: number, responses: number): readonly Case[] =>
  Array.from({ length: tasks }, (_, index) => {
    const facts = Array.from({ length: responses }, (_unused, place) => factsOf(from + index, place));
    return { candidate: candidateOf(facts), facts };
  });
