import { median } from "../harness/rounds.ts";

/** Where the daemon was, in milliseconds of its own clock, until the node had accepted a confirmation. */
export type Sample = {
  readonly spans: readonly { readonly name: string; readonly from: number; readonly to: number }[];
  readonly end: number;
};

export type Step = { readonly step: string /** Median. */; readonly ms: number };

/** What the journal is asked first of all when a response's event has come. */
export const firstStep = "what to ask the chain, from the journal";

/**
 * What the steps on the way from the event to the answer cost; what is left over is the program's own work. Two of them may
 * run beside each other.
 */
export function breakDown(samples: readonly Sample[]): readonly Step[] {
  const steps = new Map<string, number[]>();
  const note = (step: string, ms: number) => void steps.set(step, [...(steps.get(step) ?? []), ms]);
  for (const { spans, end } of samples) {
    // The scanner stores what it finds, too: what counts is what the socket's event has begun.
    const stored = spans.findLastIndex(({ name }) => name === "stored");
    const first = spans.slice(0, stored + 1).findLast(({ name }) => name === firstStep);
    const last = spans.findLast(({ name }) => name.startsWith("send"));
    if (first === undefined || last === undefined) continue;
    const onTheWay = spans.filter(({ name, from, to }) => from >= first.from && to <= last.to && name !== "aside");
    const newest = new Map(onTheWay.filter(({ from, to }) => to > from).map((span) => [span.name, span]));
    for (const [name, { from, to }] of newest) note(name, to - from);
    note("everything else", last.to - first.from - covered([...newest.values()]));
    note("all", last.to - first.from);
    note("and then told to the journal", end - last.to);
  }
  return [...steps].map(([step, each]) => ({ step, ms: median(each) }));
}

/** How long at least one of them was under way. */
export function covered(spans: readonly Omit<Sample["spans"][number], "name">[]): number {
  let sum = 0;
  let until = Number.NEGATIVE_INFINITY;
  for (const { from, to } of spans.toSorted((a, b) => a.from - b.from)) {
    sum += Math.max(0, to - Math.max(from, until));
    until = Math.max(until, to);
  }
  return sum;
}
