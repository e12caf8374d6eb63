import type { Candidate, Policy } from "../policyPort.ts";
import type { Bound } from "../withTooDear.ts";
import { replayTask } from "./replayTask.ts";

/** What one task would have cost, beside what it did cost. Wei as decimal text. */
export type BacktestRow = {
  readonly task: string;
  readonly policy: string;
  /** The response that the files would pay; `undefined`: none. */
  readonly would: Paid | undefined;
  /** The response that was paid. */
  readonly did: Paid | undefined;
  readonly reason: string;
};
export type Paid = { readonly response: string; readonly provider: string; readonly payment: string };

export type Backtest = {
  readonly rows: readonly BacktestRow[];
  readonly wouldPay: string;
  readonly didPay: string;
  /** Tasks whose facts are not whole, or that match no policy: left out of the sums. */
  readonly skipped: number;
  /** Responses to these tasks of which nothing is known: these files might have paid one. */
  readonly unjudged: number;
};

/** A past task as if nothing of it were decided, and what was paid for it. */
export type PastTask = {
  readonly policy: Policy;
  readonly candidate: Candidate;
  readonly did: Paid | undefined;
};

type BacktestOptions = {
  /** How many responses to a task nothing is known of. @default none */
  readonly unjudgedOf?: (candidate: Candidate) => Promise<number>;
  /** @default no ceilings */
  readonly bound?: Bound;
};

/**
 * Judges past tasks by other files: what they would have paid, to whom, against what was paid.
 *
 * @param tasks `undefined` for each that has to be left out. They are taken one by one: a large journal has more than fits in memory.
 */
export async function backtest(
  tasks: Iterable<PastTask | undefined> | AsyncIterable<PastTask | undefined>,
  { unjudgedOf = async () => 0, bound }: BacktestOptions = {},
): Promise<Backtest> {
  const rows: BacktestRow[] = [];
  let [skipped, unjudged] = [0, 0];
  for await (const past of tasks) {
    if (!past) {
      skipped += 1;
      continue;
    }
    unjudged += await unjudgedOf(past.candidate);
    const { policy, candidate, did } = past;
    const verdicts = await replayTask(policy, candidate, bound);
    const winner = verdicts.find(({ kind }) => kind === "confirm");
    const would = candidate.responses.find(({ response }) => response.address === winner?.response)?.response;
    rows.push({
      task: candidate.task.address,
      policy: policy.name,
      would: would && { response: would.address, provider: would.provider, payment: String(would.payment) },
      did,
      reason: winner?.reason ?? [...new Set(verdicts.map(({ reason }) => reason))].join("; "),
    });
  }
  const sum = (side: "would" | "did") =>
    String(rows.reduce((total, row) => total + BigInt(row[side]?.payment ?? 0), 0n));
  return { rows, wouldPay: sum("would"), didPay: sum("did"), skipped, unjudged };
}
