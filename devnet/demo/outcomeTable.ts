import { formatOgpu } from "../../src/protocol/amounts.ts";
import type { Outcome } from "./outcome.ts";

const cut = (text: string, width: number) => text.slice(0, width).padEnd(width);

/** What a run did cost, in wei. */
export type Sums = {
  readonly paid: bigint;
  /** What the clients offered, less what was paid. */
  readonly saved: bigint;
  /** What the first valid answers asked, less what was paid. */
  readonly savedByComparing: bigint;
};

export function sumsOf(outcomes: readonly Outcome[]): Sums {
  const sum = (pick: (outcome: Outcome) => string) => outcomes.reduce((total, each) => total + BigInt(pick(each)), 0n);
  const paid = sum(({ pricePaid }) => pricePaid);
  return {
    paid,
    saved: sum(({ priceSaved }) => priceSaved),
    savedByComparing: sum(({ firstValidPrice }) => firstValidPrice) - paid,
  };
}

function comparison(outcomes: readonly Outcome[], savedByComparing: bigint): string {
  const compared = outcomes.filter(({ firstValidPrice, pricePaid }) => firstValidPrice !== pricePaid);
  if (compared.length === 0) return "No task was decided by comparing prices.";
  const { paid } = sumsOf(compared);
  const tasks = compared.length === 1 ? "1 task" : `${compared.length} tasks`;
  return `Of that, ${formatOgpu(savedByComparing)} because ${tasks} waited for the cheapest valid answer: ${formatOgpu(paid)} paid, where the first valid ones asked ${formatOgpu(paid + savedByComparing)}.`;
}

/** The table at the end: one line a task, then the sums. */
export function outcomeTable(outcomes: readonly Outcome[]): string {
  const line = (...cells: readonly [string, string, string, string, string, string, string]) =>
    [
      cells[0].padStart(3),
      cut(cells[1], 30),
      cut(cells[2], 12),
      cut(cells[3], 14),
      cut(cells[4], 10),
      cut(cells[5], 10),
      cells[6],
    ].join("  ");
  const good = outcomes.filter(({ asExpected }) => asExpected).length;
  const rows = outcomes.map((each) => {
    const winner = each.verdicts.find(({ response }) => response === each.confirmedResponse)?.behaviour;
    const whom = each.confirmedResponse ? (winner ?? "by the chain") : "nobody";
    const paid = each.confirmedResponse ? ogpu(each.pricePaid) : "";
    const saved = each.confirmedResponse ? ogpu(each.priceSaved) : "";
    const result = each.asExpected ? "as expected" : "NOT AS EXPECTED";
    return line(String(each.number), each.scenario, each.taskStatus, whom, paid, saved, result);
  });
  const { paid, saved, savedByComparing } = sumsOf(outcomes);
  return [
    line("#", "scenario", "task", "paid to", "paid", "saved", ""),
    ...rows,
    `${good} of ${outcomes.length} tasks ended as expected; ${formatOgpu(paid)} paid, ${formatOgpu(saved)} saved.`,
    comparison(outcomes, savedByComparing),
    "",
  ].join("\n");
}

const ogpu = (wei: string): string => formatOgpu(BigInt(wei)).replace(" OGPU", "");
