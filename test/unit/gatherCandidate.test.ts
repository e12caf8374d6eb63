import { expect, it } from "vitest";
import { gatherCandidate } from "../../src/gatherCandidate.ts";
import type { TaskRecord, VerdictRecord } from "../../src/journal/journal.ts";
import { everything, type Needs } from "../../src/policy/needs.ts";
import type { Policy } from "../../src/policy/policyPort.ts";
import { type AccountAddress, type ResponseAddress, unixSeconds, wei } from "../../src/protocol/brand.ts";
import { address, aResponse, aSnapshot, headAt, source, task } from "../support/fakeChain.ts";
import { outputOf } from "./policy/support.ts";

const [first, second, third] = [1, 2, 3].map((id) =>
  aResponse({
    address: address<ResponseAddress>(0x300 + id),
    provider: address<AccountAddress>(0x500 + (id === 3 ? 2 : id)),
    data: `document ${id}`,
  }),
) as [ReturnType<typeof aResponse>, ReturnType<typeof aResponse>, ReturnType<typeof aResponse>];

const nothing: Needs = {
  ...{ output: false, json: false, text: false, config: false, stake: false },
  ...{ history: false, siblings: false, signals: false, published: false },
};
const block = headAt(100n, { timestamp: unixSeconds(1_000) });

/** What is gathered of the second and the third, and what was asked for that. */
async function gather(needs: Needs, verdicts: readonly Partial<VerdictRecord>[] = [], judged = [second, third]) {
  const asked: unknown[] = [];
  const candidate = await gatherCandidate(
    {
      chain: {
        block: async (number) => {
          asked.push(`block ${number}`);
          return headAt(number, { timestamp: unixSeconds(777) });
        },
        providerStakes: async (providers, at) => {
          asked.push(`stakes of ${providers.length} in block ${at}`);
          return providers.map((master) => ({ lockup: wei(BigInt(master)), eligible: true, master }));
        },
      },
      journal: {
        providerHistory: async (providers) => {
          asked.push(`histories of ${providers.length}`);
          return new Map(
            providers.map((each) => [each, { seen: Number(each), approved: 0, rejected: 0, price: wei(0n) }]),
          );
        },
      },
      payload: {
        fetch: async (data) => {
          asked.push(data);
          return outputOf({ data });
        },
      },
    },
    { needs, digest: "p", comparesSiblings: true, limits: { maxBytes: 1, timeoutMs: 1 } } as Policy,
    {
      record: { task, source, seenBlock: 90n, verdicts } as unknown as TaskRecord,
      snapshot: aSnapshot({ block, responses: [first, second, third] }),
      config: outputOf({}),
    },
    judged,
  );
  return { asked, candidate };
}

it("asks nobody for what the policy does not need: no stranger's host, no node, no history", async () => {
  const { asked, candidate } = await gather(nothing);
  expect(asked).toEqual([]);
  expect(candidate.publishedAt).toBeUndefined();
  expect(candidate.responses.map(({ output, provider }) => [output.digest, provider])).toEqual([
    ["", {}],
    ["", {}],
  ]);
});

it("asks for the rest once for each provider, in the block of the snapshot, and knows whose it is", async () => {
  const { asked, candidate } = await gather(everything);
  expect(asked.toSorted()).toEqual([
    ...["block 90", "document 2", "document 3", "histories of 1", "stakes of 1 in block 100"],
  ]);
  expect(candidate.publishedAt).toBe(777);
  expect(candidate.responses.map(({ output }) => output.json)).toEqual([
    { data: "document 2" },
    { data: "document 3" },
  ]);
  for (const { response, provider } of candidate.responses)
    expect(provider).toMatchObject({ master: response.provider, seen: Number(response.provider) });
  expect((await gather(everything, [], [])).asked).toEqual(["block 90"]);
});

it("has those that are not judged for siblings, each with the payload that it was judged by", async () => {
  const of = ({ address: response }: typeof first, payloadDigest: string) => ({ response, payloadDigest });
  const { candidate } = await gather(everything, [of(first, "it was a copy"), of(second, "it was another one")]);
  expect(candidate.settled).toEqual([{ response: first, digest: "it was a copy" }]);
  expect((await gather(everything)).candidate.settled).toEqual([{ response: first, digest: "" }]);
});

it("asks for the documents of a comparison from the lowest price up: what has no room is the dear ones", async () => {
  const priced = [30n, 10n, 20n].map((payment, index) =>
    aResponse({ address: address<ResponseAddress>(0x400 + index), data: `costs ${payment}`, payment: wei(payment) }),
  );
  const { asked, candidate } = await gather({ ...nothing, output: true }, [], priced);
  expect(asked).toEqual(["costs 10", "costs 20", "costs 30"]);
  expect(candidate.responses.map(({ response }) => response)).toEqual(priced);
});

it("keeps nothing of a document that no expression reads", async () => {
  const outputOfNeeds = async (needs: Partial<Needs>) => {
    const [item] = (await gather({ ...nothing, output: true, ...needs }, [], [second])).candidate.responses;
    return [item?.output.json, item?.output.text, item?.output.digest];
  };
  expect(await outputOfNeeds({})).toEqual([null, "", "d"]);
  expect(await outputOfNeeds({ json: true })).toEqual([{ data: "document 2" }, "", "d"]);
  expect(await outputOfNeeds({ text: true })).toEqual([null, '{"data":"document 2"}', "d"]);
});
