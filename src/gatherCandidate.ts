import type { ChainPort, Snapshot } from "./chain/chainPort.ts";
import type { Journal, TaskRecord, VerdictRecord } from "./journal/journal.ts";
import { notRead } from "./payload/notRead.ts";
import type { Output, PayloadPort } from "./payload/payloadPort.ts";
import type { Needs } from "./policy/needs.ts";
import type { Candidate, CandidateResponse, Policy, Sibling } from "./policy/policyPort.ts";
import type { AccountAddress } from "./protocol/brand.ts";
import type { Response } from "./protocol/entities.ts";
import { waitsUntil } from "./waitsUntil.ts";

export type GatherDeps = {
  readonly chain: Pick<ChainPort, "block" | "providerStakes">;
  readonly journal: Pick<Journal, "providerHistory">;
  readonly payload: PayloadPort;
};

/**
 * Puts together what a policy judges. Payloads, stakes and histories are read where the policy needs them, and only
 * there; stakes are pinned to the snapshot's block.
 *
 * @param responses Those to judge; the task's others become their siblings.
 * @throws RetryableError if the chain did not answer.
 */
export async function gatherCandidate(
  { chain, journal, payload }: GatherDeps,
  policy: Policy,
  { record, snapshot, config }: { record: TaskRecord; snapshot: Snapshot; config: Output },
  responses: readonly Response[],
): Promise<Candidate> {
  const { block, task, source } = snapshot;
  const { needs, limits } = policy;
  const providers = [...new Set(responses.map(({ provider }) => provider))];
  const read = async <T>(wanted: boolean, work: () => Promise<ReadonlyMap<AccountAddress, T>>) =>
    wanted && providers.length > 0 ? work() : new Map<AccountAddress, T>();
  const [stakes, histories, publishedAt] = await Promise.all([
    read(needs.stake, async () => {
      const found = await chain.providerStakes(providers, block.number);
      return new Map(found.map((stake, index) => [providers[index] as AccountAddress, stake]));
    }),
    read(needs.history, () => journal.providerHistory(providers)),
    needs.published && record.seenBlock !== undefined ? chain.block(record.seenBlock) : undefined,
  ]);
  const lastVerdicts = new Map(record.verdicts.map((verdict) => [verdict.response, verdict]));
  const outputs = new Map<Response, Output>();
  await Promise.all(
    inTurn(policy, responses).map(async (response) => {
      outputs.set(response, needs.output ? withoutUnread(await payload.fetch(response.data, limits), needs) : notRead);
    }),
  );
  const judged = responses.map((response): CandidateResponse => {
    const last = lastVerdicts.get(response.address);
    return {
      response,
      output: outputs.get(response) ?? notRead,
      waits: last?.waits ?? 0,
      // One whose document had come waits for the others: nothing is asked of it before its time.
      waitsUntil: last?.waitsFor === "window" ? undefined : waitsUntil(last, policy, block.timestamp),
      cameBefore: (last?.windows ?? 0) > 0,
      provider: { ...stakes.get(response.provider), ...histories.get(response.provider) },
    };
  });
  return {
    now: block.timestamp,
    task,
    source,
    config,
    publishedAt: publishedAt?.timestamp,
    responses: judged,
    settled: settledOf(snapshot, responses, lastVerdicts),
  };
}

/** Where not all payloads of a comparison have room at once, what is left over are the dear ones, not those that came last. */
const inTurn = ({ comparesSiblings }: Policy, responses: readonly Response[]): readonly Response[] =>
  comparesSiblings
    ? responses.toSorted((a, b) => (a.payment < b.payment ? -1 : a.payment > b.payment ? 1 : 0))
    : responses;

/** What no expression reads need not be kept while the others come. */
const withoutUnread = (output: Output, { json, text }: Needs): Output => ({
  ...output,
  ...(!json && { json: null }),
  ...(!text && { text: "" }),
});

function settledOf(
  { responses }: Snapshot,
  judged: readonly Response[],
  verdicts: ReadonlyMap<string, VerdictRecord>,
): readonly Sibling[] {
  const open = new Set(judged.map(({ address }) => address));
  return responses
    .filter(({ address }) => !open.has(address))
    .map((response) => ({ response, digest: verdicts.get(response.address)?.payloadDigest ?? "" }));
}
