import type { ChainPort, Simulation } from "../chain/chainPort.ts";
import type { Preview } from "../chain/confirmPreviews.ts";
import type { Confirmation, Journal } from "../journal/journal.ts";
import type { AccountAddress, UnixSeconds } from "../protocol/brand.ts";
import { responseDigest } from "../protocol/responseDigest.ts";
import { explainRevert, revertMeaning } from "../protocol/reverts.ts";
import { hasEnded, isClosed, ResponseStatus, statusName, TaskStatus } from "../protocol/statuses.ts";
import type { GasFigure } from "./gasFigure.ts";

/**
 * Whether a confirmation may be sent now. `settled`: somebody else settled the task, finally. `refused`: it can never be
 * paid. `not-now`: it may be later; the reason says what it waits for.
 */
export type Payable =
  | {
      readonly type: "yes";
      /** Gas units. */
      readonly gas: bigint;
      /** When the task's time is over, where that was asked. */
      readonly expiresAt?: UnixSeconds | undefined;
    }
  | { readonly type: "refused"; readonly reason: string }
  /** @param ofKey Another key may pay it. */
  | { readonly type: "not-now"; readonly reason: string; readonly ofKey?: boolean }
  /** @param at The block that shows it. */
  | { readonly type: "settled"; readonly reason: string; readonly at: bigint };

type Deps = { readonly chain: ChainPort; readonly journal: Journal; readonly gasFigure: GasFigure };

export type Payment = { readonly confirmation: Confirmation; readonly from: AccountAddress };

/**
 * Reads the tasks and the responses again and simulates the calls, in one request, before every signature and before
 * bytes go out again. Its error for each that cannot be told.
 *
 * @param withExpiry Reads when the tasks expire, too. @default false
 * @throws RetryableError if the endpoint does not answer.
 */
export async function payableAll(
  deps: Deps,
  payments: readonly Payment[],
  withExpiry = false,
): Promise<readonly (Payable | Error)[]> {
  const [first, ...others] = payments;
  if (first === undefined || others.length === 0 || deps.gasFigure.known() !== undefined) {
    return checkAll(deps, payments, withExpiry);
  }
  // The first one is estimated, and teaches what the others take: an estimate costs the node many times a call.
  return [...(await checkAll(deps, [first], withExpiry)), ...(await checkAll(deps, others, withExpiry))];
}

async function checkAll(
  deps: Deps,
  payments: readonly Payment[],
  withExpiry: boolean,
): Promise<readonly (Payable | Error)[]> {
  const { chain, gasFigure } = deps;
  const gas = gasFigure.known();
  const asks = payments.map(({ confirmation: { task, response }, from }) => ({
    task,
    response,
    from,
    gas,
    withExpiry,
  }));
  const previews = await chain.previews(asks);
  return Promise.all(
    payments.map(async ({ confirmation }, index): Promise<Payable | Error> => {
      const preview = previews[index];
      if (preview === undefined || preview instanceof Error) return preview ?? new TypeError("a preview is missing");
      try {
        return await judge(deps, confirmation, preview);
      } catch (error) {
        return error as Error;
      }
    }),
  );
}

/** The same for one. @throws RetryableError if the endpoint does not answer. */
export async function payable(deps: Deps, confirmation: Confirmation, from: AccountAddress): Promise<Payable> {
  const [answer] = await payableAll(deps, [{ confirmation, from }]);
  if (answer === undefined || answer instanceof Error) throw answer;
  return answer;
}

type State = Pick<Preview, "block" | "taskStatus" | "response">;

async function judge(deps: Deps, confirmation: Confirmation, preview: Preview): Promise<Payable> {
  const state = stateOf(preview, confirmation);
  if (state.type === "settled") return onceFinal(deps, confirmation, state);
  const gone = preview.response === undefined ? await finallyGone(deps, confirmation) : undefined;
  if (gone !== undefined) return { type: "refused", reason: `a reorg took the ${gone} back` };
  if (state.type !== "yes") return state;
  const { simulation, expiresAt } = preview;
  if (simulation.ok) deps.gasFigure.learn(simulation.gas);
  const answer = fromSimulation(simulation, preview.block);
  if (answer.type === "settled") return onceFinal(deps, confirmation, answer);
  return answer.type === "yes" ? { ...answer, expiresAt } : answer;
}

/** What is settled in a block that can be taken back is settled by no means: the task's end by its time, too. */
async function onceFinal(
  { chain, journal }: Deps,
  confirmation: Confirmation,
  settled: Extract<Payable, { type: "settled" }>,
): Promise<Payable> {
  const final = await chain.finalBlock(await chain.head());
  const record = await journal.task(confirmation.task);
  if (record !== undefined) {
    const found = await chain.snapshot(record.task, record.source, [confirmation.response], final);
    if (hasEnded(found.task, found.block.timestamp)) return settled;
    const state = { block: final, taskStatus: found.task.status, response: found.responses[0] };
    if (stateOf(state, confirmation).type === "settled") return settled;
  }
  return { type: "not-now", reason: `${settled.reason}, but not finally` };
}

/** What is missing from a final block that is no older than the one it was judged in: whatever brings it back is news. */
async function finallyGone(
  { chain, journal }: Deps,
  { task, response, verdictId }: Confirmation,
): Promise<"task" | "response" | undefined> {
  const record = await journal.task(task);
  const verdict = record?.verdicts.find(({ id }) => id === verdictId);
  if (record === undefined || verdict === undefined) return undefined;
  const final = await chain.finalBlock(await chain.head());
  if (final < verdict.block.number) return undefined;
  const opinions = await Promise.allSettled([chain.termsAt([task], final), chain.termsElsewhere([task], final)]);
  const lacking = opinions.filter((each) => each.status === "fulfilled" && each.value.terms[0] === undefined);
  // A node that has lost its state answers as if nothing were there: one opinion is not enough.
  if (lacking.length > 0) return lacking.length === opinions.length ? "task" : undefined;
  const { responses } = await chain.snapshot(task, record.source, [response], final);
  return responses.length === 0 ? "response" : undefined;
}

function stateOf({ block, taskStatus, response }: State, confirmation: Confirmation): Payable {
  if (taskStatus === undefined) return { type: "not-now", reason: "the task is not on the chain at the moment" };
  if (isClosed(taskStatus))
    return { type: "settled", at: block, reason: `the task is ${statusName(TaskStatus, taskStatus)}` };
  if (response === undefined) return { type: "not-now", reason: "the response is not on the chain at the moment" };
  if (responseDigest(response) !== confirmation.responseDigest) {
    return { type: "refused", reason: "another response stands where the approved one stood" };
  }
  if (response.status !== ResponseStatus.SUBMITTED)
    return { type: "settled", at: block, reason: "the response is confirmed already" };
  return { type: "yes", gas: 0n };
}

function fromSimulation(simulation: Simulation, at: bigint): Payable {
  if (simulation.ok) return { type: "yes", gas: simulation.gas };
  const reason = explainRevert(simulation.reason);
  switch (revertMeaning(simulation.reason)) {
    case "settled":
      return { type: "not-now", reason };
    case "expired":
      return { type: "settled", at, reason };
    case "passing":
      return { type: "not-now", reason, ofKey: simulation.reason === "NotOwner" };
    case "unknown":
      return { type: "refused", reason };
  }
}
