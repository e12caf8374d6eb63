import { median } from "../harness/rounds.ts";

/** Where the daemon was, in milliseconds of its own clock, until the node had accepted a confirmation. */
export type Sample = {
  readonly spans: readonly { readonly name: string; readonly from: number; readonly to: number }[];
  readonly end: number;
};

export type Step = { readonly step: string /** Median. */; readonly ms: number };

/** What the steps on the way from the event to the answer cost; what is left over is the program's own work. */
export function breakDown(samples: readonly Sample[]): readonly Step[] {
  const steps = new Map<string, number[]>();
  const note = (step: string, ms: number) => void steps.set(step, [...(steps.get(step) ?? []), ms]);
  for (const { spans, end } of samples) {
    // The scanner stores what it finds, too: what counts is what the socket's event has begun.
    const stored = spans.findLastIndex(({ name }) => name === "stored");
    const first = spans.slice(0, stored + 1).findLast(({ name }) => name === "event into the journal");
    const last = spans.findLast(({ name }) => name.startsWith("send"));
    if (first === undefined || last === undefined) continue;
    const onTheWay = spans.filter(({ name, from, to }) => from >= first.from && to <= last.to && name !== "aside");
    const newest = new Map(
      onTheWay.filter(({ from, to }) => to > from).map((span) => [span.name, span.to - span.from]),
    );
    let known = 0;
    for (const [name, ms] of newest) {
      note(name, ms);
      known += ms;
    }
    note("everything else", last.to - first.from - known);
    note("all", last.to - first.from);
    note("and then told to the journal", end - last.to);
  }
  return [...steps].map(([step, each]) => ({ step, ms: median(each) }));
}
