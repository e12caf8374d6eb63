import type { ChainPort, Head } from "../chain/chainPort.ts";
import type { Preview } from "../chain/confirmPreviews.ts";
import type { PaymentStanding } from "../chain/paymentStandings.ts";
import type { Confirmation, Journal } from "../journal/journal.ts";
import { responseDigest } from "../protocol/responseDigest.ts";
import { hasEnded, isClosed, ResponseStatus, statusName, TaskStatus } from "../protocol/statuses.ts";
import type { Payable } from "./payable.ts";

/** Why a confirmation may not be sent now. */
export type Obstacle = Exclude<Payable, { readonly type: "yes" }>;

/** What one endpoint's newest block shows of a confirmation, and what may be so for good. */
export type Doubted = { readonly confirmation: Confirmation; readonly seen: Obstacle };

type Deps = { readonly chain: Pick<ChainPort, "head" | "finalBlock" | "paymentsByTwo">; readonly journal: Journal };

type State = Pick<Preview, "block" | "taskStatus" | "response">;

/** What stands in a confirmation's way in that block. */
export function obstacleIn({ block, taskStatus, response }: State, confirmation: Confirmation): Obstacle | undefined {
  if (taskStatus === undefined) return { type: "not-now", reason: "the task is not on the chain at the moment" };
  if (isClosed(taskStatus))
    return { type: "settled", at: block, reason: `the task is ${statusName(TaskStatus, taskStatus)}` };
  if (response === undefined) return { type: "not-now", reason: "the response is not on the chain at the moment" };
  if (responseDigest(response) !== confirmation.responseDigest) {
    return { type: "refused", reason: "another response stands where the approved one stood" };
  }
  if (response.status !== ResponseStatus.SUBMITTED)
    return { type: "settled", at: block, reason: "the response is confirmed already" };
  return undefined;
}

/**
 * Settles and refuses what two endpoints show in a final block, and nothing else: what one of them shows may be a lie, and what
 * stands in a later block may be taken back. What they cannot tell is `not-now`. All is asked in one request to each of them.
 *
 * @returns in the order given; the error for each of them where neither endpoint answers.
 */
export async function onceFinal(deps: Deps, doubted: readonly Doubted[]): Promise<readonly (Obstacle | Error)[]> {
  if (doubted.length === 0) return [];
  const { chain } = deps;
  try {
    const final = await chain.finalBlock(await chain.head());
    const payments = doubted.map(({ confirmation }) => confirmation);
    const asked = await chain.paymentsByTwo(payments, final);
    const [one, other] = asked;
    if (one.status === "rejected" && other.status === "rejected") throw one.reason;
    // Both tell of the same block, which may be a lower one.
    const told = asked.map((each) => (each.status === "fulfilled" ? each.value.block.number : final));
    const block = told.reduce((least, each) => (each < least ? each : least), final);
    return await Promise.all(
      doubted.map((each, index) => {
        const ends = asked.map((opinion) => {
          if (opinion.status === "rejected") return undefined;
          const { standings, block: at } = opinion.value;
          return endIn(standings[index], { number: block, timestamp: at.timestamp }, each.confirmation);
        });
        return agreed(deps, each, ends, block);
      }),
    );
  } catch (error) {
    return doubted.map(() => error as Error);
  }
}

/** What ends a confirmation. */
type End = {
  readonly obstacle: Extract<Payable, { readonly type: "refused" | "settled" }>;
  /** What it pays is missing: whatever brings it back is news, where it was judged in no later block. */
  readonly isGone?: boolean;
};

async function agreed(
  { journal }: Deps,
  { confirmation, seen }: Doubted,
  [one, other]: readonly (End | "open" | undefined)[],
  block: bigint,
): Promise<Obstacle> {
  const notYet = (why: string): Obstacle =>
    seen.type === "not-now" ? seen : { type: "not-now", reason: `${seen.reason}, ${why}` };
  if (one === undefined || other === undefined) return notYet("and an endpoint cannot tell whether for good");
  if (one === "open" && other === "open") return notYet("but not finally");
  if (one === "open" || other === "open" || !isSame(one, other)) return notYet("and another endpoint says otherwise");
  if (one.isGone && !(await isJudgedBy(journal, confirmation, block))) return notYet("but not finally");
  return one.obstacle;
}

/** Who ended it, and how, is all one where it is settled; why it can never be paid is not. */
const isSame = ({ obstacle: one }: End, { obstacle: other }: End): boolean =>
  one.type === other.type && (one.type === "settled" || one.reason === other.reason);

/** @param block A final one. */
function endIn(
  standing: PaymentStanding | undefined,
  { number, timestamp }: Pick<Head, "number" | "timestamp">,
  confirmation: Confirmation,
): End | "open" | undefined {
  if (standing === undefined) return undefined;
  const { taskStatus, expiresAt, response } = standing;
  const gone = (what: "task" | "response") => `a reorg took the ${what} back`;
  if (taskStatus === undefined) {
    return { obstacle: { type: "refused", reason: gone("task"), withoutTask: number }, isGone: true };
  }
  const obstacle = obstacleIn({ block: number, taskStatus, response }, confirmation);
  if (obstacle?.type === "settled") return { obstacle };
  if (expiresAt !== undefined && hasEnded({ expiryTime: expiresAt }, timestamp)) {
    return { obstacle: { type: "settled", at: number, reason: "its expiry time has passed" } };
  }
  if (response === undefined) return { obstacle: { type: "refused", reason: gone("response") }, isGone: true };
  return obstacle?.type === "refused" ? { obstacle } : "open";
}

async function isJudgedBy(journal: Journal, { task, verdictId }: Confirmation, block: bigint): Promise<boolean> {
  const record = await journal.task(task);
  const verdict = record?.verdicts.find(({ id }) => id === verdictId);
  return verdict !== undefined && verdict.block.number <= block;
}
