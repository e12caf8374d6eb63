import type { ChainPort, Simulation, Snapshot } from "../chain/chainPort.ts";
import type { Confirmation, Journal } from "../journal/journal.ts";
import type { AccountAddress } from "../protocol/brand.ts";
import { responseDigest } from "../protocol/responseDigest.ts";
import { explainRevert, revertMeaning } from "../protocol/reverts.ts";
import { isClosed, ResponseStatus, statusName, TaskStatus } from "../protocol/statuses.ts";

/**
 * Whether a confirmation may be sent now. `settled`: somebody else settled the task, finally. `refused`: it can never be
 * paid. `not-now`: it may be later; the reason says what it waits for.
 */
export type Payable =
  | { readonly type: "yes"; readonly gas: bigint }
  | { readonly type: "settled" | "refused" | "not-now"; readonly reason: string };

type Deps = { readonly chain: ChainPort; readonly journal: Journal };

/**
 * Reads the task and the response again and simulates the call, before every signature and before bytes go out again.
 * @throws RetryableError if the endpoint does not answer.
 */
export async function payable(
  { chain, journal }: Deps,
  confirmation: Confirmation,
  from: AccountAddress,
): Promise<Payable> {
  const record = await journal.task(confirmation.task);
  if (record === undefined) return { type: "refused", reason: "its task is not in the journal" };
  const read = (at?: bigint) => chain.snapshot(record.task, record.source, [confirmation.response], at);
  const snapshot = await read();
  const state = stateOf(snapshot, confirmation);
  if (state.type === "settled") {
    const final = await chain.finalBlock(await chain.head());
    if (final >= snapshot.block.number || stateOf(await read(final), confirmation).type === "settled") return state;
    return { type: "not-now", reason: `${state.reason}, but not finally` };
  }
  if (state.type !== "yes") return state;
  return fromSimulation(await chain.simulateConfirm(from, confirmation.response));
}

function stateOf({ task, responses: [response] }: Snapshot, confirmation: Confirmation): Payable {
  if (isClosed(task.status)) return { type: "settled", reason: `the task is ${statusName(TaskStatus, task.status)}` };
  if (response === undefined) return { type: "not-now", reason: "the response is not on the chain at the moment" };
  if (responseDigest(response) !== confirmation.responseDigest) {
    return { type: "refused", reason: "another response stands where the approved one stood" };
  }
  if (response.status !== ResponseStatus.SUBMITTED)
    return { type: "settled", reason: "the response is confirmed already" };
  return { type: "yes", gas: 0n };
}

function fromSimulation(simulation: Simulation): Payable {
  if (simulation.ok) return { type: "yes", gas: simulation.gas };
  const reason = explainRevert(simulation.reason);
  switch (revertMeaning(simulation.reason)) {
    case "settled":
      return { type: "not-now", reason };
    case "expired":
      return { type: "settled", reason };
    case "passing":
      return { type: "not-now", reason };
    case "unknown":
      return { type: "refused", reason };
  }
}
