import type { Decision } from "../../src/journal/journal.ts";
import { responseAbi, taskAbi } from "../../src/protocol/abi.ts";
import { formatOgpu } from "../../src/protocol/amounts.ts";
import { checksummed, type ResponseAddress, type TaskAddress } from "../../src/protocol/brand.ts";
import { ResponseStatus, statusName, TaskStatus } from "../../src/protocol/statuses.ts";
import type { Report } from "../../src/report.ts";
import type { Devnet } from "../index.ts";
import type { Act } from "./stage.ts";

/** What the daemon said about one task. */
export type Diary = {
  readonly decisions: Decision[];
  /** The confirmation's newest state, and its transaction. */
  confirmation: { readonly state: string; readonly hash: string | undefined } | undefined;
  /** Why the daemon left it alone or closed it. */
  settled: string | undefined;
};

/** Writes down the reports, task by task. */
export function createDiaries(): { note: (report: Report) => void; of: (task: TaskAddress) => Diary } {
  const diaries = new Map<TaskAddress, Diary>();
  const of = (task: TaskAddress): Diary => {
    const diary = diaries.get(task) ?? { decisions: [], confirmation: undefined, settled: undefined };
    diaries.set(task, diary);
    return diary;
  };
  const note = (report: Report) => {
    if (report.type === "verdict") of(report.decision.task).decisions.push(report.decision);
    if (report.type === "task") of(report.task).settled = `${report.state}: ${report.reason}`;
    if (report.type === "confirmation") {
      const { task, state, attempts } = report.confirmation;
      of(task).confirmation = { state, hash: report.receipt?.hash ?? attempts.at(-1)?.hash };
    }
  };
  return { note, of };
}

/** Whether the daemon has nothing more to do for a task whose cast has finished. */
export function isOver({ scenario, submitted }: Act, { decisions, confirmation, settled }: Diary): boolean {
  if (confirmation !== undefined) return ["final", "superseded", "rejected", "dead"].includes(confirmation.state);
  if (settled !== undefined) return true;
  if (typeof scenario.expected === "object" || scenario.canceled || scenario.source === "first-response") return false;
  const last = new Map(decisions.map(({ response, kind }) => [response, kind]));
  return [...submitted.keys()].every((response) => last.has(response) && last.get(response) !== "wait");
}

export type Outcome = {
  readonly number: number;
  readonly scenario: string;
  readonly task: string;
  readonly taskStatus: string;
  readonly verdicts: readonly {
    readonly response: string;
    readonly behaviour: string;
    readonly kind: string;
    readonly reason: string;
    readonly policy: string;
  }[];
  readonly daemon: string;
  readonly confirmedResponse: string | null;
  readonly txHash: string | null;
  /** Wei, decimal. */
  readonly pricePaid: string;
  /** Wei, decimal: what the client offered less what it paid. */
  readonly priceSaved: string;
  readonly asExpected: boolean;
};

/** Reads from the chain how a task ended, and holds it against what its scenario demands. */
export async function readOutcome({ publicClient }: Devnet, act: Act, diary: Diary): Promise<Outcome> {
  const { number, scenario, task, payment, submitted } = act;
  const status = await publicClient.readContract({ address: task, abi: taskAbi, functionName: "getStatus" });
  const confirmed: ResponseAddress[] = [];
  let paid = 0n;
  for (const response of submitted.keys()) {
    const contract = { address: response, abi: responseAbi } as const;
    const state = await publicClient.readContract({ ...contract, functionName: "getStatus" });
    if (state !== ResponseStatus.CONFIRMED) continue;
    confirmed.push(response);
    paid += (await publicClient.readContract({ ...contract, functionName: "getResponseParams" })).payment;
  }
  const [first] = confirmed;
  return {
    number,
    scenario: scenario.name,
    task: checksummed(task),
    taskStatus: statusName(TaskStatus, status),
    verdicts: diary.decisions.map(({ response, kind, reason, policy }) => ({
      response: checksummed(response),
      behaviour: submitted.get(response)?.name ?? "unknown",
      kind,
      reason,
      policy,
    })),
    daemon: diary.confirmation?.state ?? diary.settled ?? "no payment",
    confirmedResponse: first ? checksummed(first) : null,
    txHash: diary.confirmation?.hash ?? null,
    pricePaid: paid.toString(),
    priceSaved: (first ? payment - paid : 0n).toString(),
    asExpected: confirmed.length <= 1 && endedWell(act, diary, first),
  };
}

function endedWell({ scenario, expectedResponse }: Act, { confirmation }: Diary, confirmed?: ResponseAddress): boolean {
  if (scenario.expected === "nobody") return confirmed === undefined && confirmation === undefined;
  if (scenario.expected === "chain") return confirmed !== undefined && confirmation === undefined;
  return confirmed !== undefined && confirmed === expectedResponse() && confirmation?.state === "final";
}

const cut = (text: string, width: number) => text.slice(0, width).padEnd(width);

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
  const sum = (pick: (outcome: Outcome) => string) => outcomes.reduce((total, each) => total + BigInt(pick(each)), 0n);
  const good = outcomes.filter(({ asExpected }) => asExpected).length;
  const rows = outcomes.map((each) => {
    const winner = each.verdicts.find(({ response }) => response === each.confirmedResponse)?.behaviour;
    const whom = each.confirmedResponse ? (winner ?? "by the chain") : "nobody";
    const paid = each.confirmedResponse ? ogpu(each.pricePaid) : "";
    const saved = each.confirmedResponse ? ogpu(each.priceSaved) : "";
    const result = each.asExpected ? "as expected" : "NOT AS EXPECTED";
    return line(String(each.number), each.scenario, each.taskStatus, whom, paid, saved, result);
  });
  const paid = formatOgpu(sum(({ pricePaid }) => pricePaid));
  const saved = formatOgpu(sum(({ priceSaved }) => priceSaved));
  return [
    line("#", "scenario", "task", "paid to", "paid", "saved", ""),
    ...rows,
    `${good} of ${outcomes.length} tasks ended as expected; ${paid} paid, ${saved} saved.`,
    "",
  ].join("\n");
}

const ogpu = (wei: string): string => formatOgpu(BigInt(wei)).replace(" OGPU", "");
