import type { ChainPort } from "../chain/chainPort.ts";
import { type GatherDeps, gatherCandidate } from "../gatherCandidate.ts";
import type { TaskRecord } from "../journal/journal.ts";
import type { PayloadPort } from "../payload/payloadPort.ts";
import { configLimits, matchableOf } from "../policy/matchableOf.ts";
import type { PolicySet } from "../policy/policyPort.ts";
import type { PastTask } from "../policy/tools/backtest.ts";
import type { SourceAddress, TaskAddress } from "../protocol/brand.ts";
import { DeliveryMethod, ResponseStatus, TaskStatus } from "../protocol/statuses.ts";

type ChainTasksDeps = GatherDeps & {
  readonly chain: Pick<ChainPort, "events" | "snapshot" | "responsesOfTask" | "block" | "providerStakes">;
  readonly payload: PayloadPort;
  /** Whether a source's tasks are the daemon's. @throws RetryableError if the endpoint does not answer. */
  readonly isWatched: (source: SourceAddress, since: bigint) => Promise<boolean>;
};

const pageBlocks = 2_000n;

/**
 * The tasks of watched sources that were published in a range of blocks and that a policy matches, with all their responses
 * as if none were confirmed. Payloads and stakes are those of today.
 *
 * @returns `undefined` for each of which something could not be asked for.
 * @throws RetryableError if the endpoint does not answer.
 */
export async function chainTasks(
  deps: ChainTasksDeps,
  set: PolicySet,
  range: { readonly from: bigint; readonly to: bigint },
): Promise<readonly (PastTask | undefined)[]> {
  const found: (PastTask | undefined)[] = [];
  for (let from = range.from; from <= range.to; from += pageBlocks) {
    const last = from + pageBlocks - 1n < range.to ? from + pageBlocks - 1n : range.to;
    const { events } = await deps.chain.events(from, last);
    for (const event of events) {
      if (event.type !== "TaskPublished" || !(await deps.isWatched(event.source, event.at.blockNumber))) continue;
      const past = await pastTask(deps, set, event.task, event.source, event.at.blockNumber);
      if (past !== "not ours") found.push(past);
    }
  }
  return found;
}

async function pastTask(
  deps: ChainTasksDeps,
  set: PolicySet,
  address: TaskAddress,
  source: SourceAddress,
  seenBlock: bigint,
): Promise<PastTask | undefined | "not ours"> {
  const { chain, payload } = deps;
  const snapshot = await chain.snapshot(address, source, await chain.responsesOfTask(address));
  const { task, responses } = snapshot;
  if (task.deliveryMethod !== DeliveryMethod.MANUAL_CONFIRMATION) return "not ours";
  const config = await payload.fetch(task.config, configLimits);
  const policy = set.select(matchableOf(task, snapshot.source, config));
  if (!policy) return config.transient ? undefined : "not ours";
  if (responses.length === 0) return undefined;
  const open = {
    ...snapshot,
    task: { ...task, status: TaskStatus.RESPONDED },
    responses: responses.map((response) => ({ ...response, status: ResponseStatus.SUBMITTED })),
  };
  const record: TaskRecord = {
    task: address,
    source,
    state: "open",
    reason: "",
    responses: responses.map((response) => response.address),
    reappeared: new Set(),
    withdrawn: [],
    verdicts: [],
    answers: [],
    confirmation: undefined,
    seenBlock,
  };
  const candidate = await gatherCandidate(deps, policy, { record, snapshot: open, config }, open.responses);
  // Nobody was asked for it: that it did not come says nothing.
  if (policy.needs.config && config.unasked) return undefined;
  if (candidate.responses.some(({ output }) => output.unasked)) return undefined;
  const paid = responses.find(({ status }) => status === ResponseStatus.CONFIRMED);
  const did = paid && { response: paid.address, provider: paid.provider, payment: String(paid.payment) };
  return { policy, candidate, did };
}
