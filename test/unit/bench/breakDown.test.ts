import { expect, it } from "vitest";
import { breakDown, covered, firstStep } from "../../../bench/latency/breakDown.ts";

const span = (name: string, from: number, to: number) => ({ name, from, to });

it("counts the time in which two steps run beside each other once", () => {
  expect(covered([span("b", 2, 5), span("a", 0, 4), span("c", 4.5, 4.8), span("d", 7, 8)])).toBe(6);
  expect(covered([])).toBe(0);
});

it("begins with the first question of the socket's event, and leaves over what no step covers", () => {
  const spans = [
    span("event into the journal, beside that", 1, 2),
    span("stored", 2, 2),
    span(firstStep, 10, 10.5),
    span("snapshot", 11, 13),
    span("event into the journal, beside that", 11.5, 12),
    span("stored", 12, 12),
    span("aside", 12, 20),
    span("send, the node's answer", 14, 15),
  ];
  expect(Object.fromEntries(breakDown([{ spans, end: 16 }]).map(({ step, ms }) => [step, ms]))).toEqual({
    [firstStep]: 0.5,
    snapshot: 2,
    "event into the journal, beside that": 0.5,
    "send, the node's answer": 1,
    "everything else": 1.5,
    all: 5,
    "and then told to the journal": 1,
  });
});
