import type { Decision } from "../../src/journal/journal.ts";
import { responseAbi, taskAbi } from "../../src/protocol/abi.ts";
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
  /** Wei, decimal: what the first valid answer asked, so what a daemon that does not compare would have paid. */
  readonly firstValidPrice: string;
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
    firstValidPrice: (first ? (firstValidPrice(act, diary) ?? paid) : 0n).toString(),
    asExpected: confirmed.length <= 1 && endedWell(act, diary, first),
  };
}

/** Valid is what was confirmed, or told to wait for a better one; the responses stand in the order of submission. */
function firstValidPrice({ submitted }: Act, { decisions }: Diary): bigint | undefined {
  const isValid = ({ kind, waitsFor }: Decision) => kind === "confirm" || waitsFor === "window";
  const valid = new Map(decisions.filter(isValid).map(({ response, payment }) => [response, payment]));
  const earliest = [...submitted.keys()].find((response) => valid.has(response));
  return earliest && valid.get(earliest);
}

function endedWell({ scenario, expectedResponse }: Act, { confirmation }: Diary, confirmed?: ResponseAddress): boolean {
  if (scenario.expected === "nobody") return confirmed === undefined && confirmation === undefined;
  if (scenario.expected === "chain") return confirmed !== undefined && confirmation === undefined;
  return confirmed !== undefined && confirmed === expectedResponse() && confirmation?.state === "final";
}
