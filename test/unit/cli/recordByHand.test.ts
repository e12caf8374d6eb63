import { afterEach, beforeEach, expect, it } from "vitest";
import { recordByHand } from "../../../src/cli/recordByHand.ts";
import type { Decision, Journal } from "../../../src/journal/journal.ts";
import type { Lease } from "../../../src/journal/leaseJournal.ts";
import type { ResponseAddress, TaskAddress } from "../../../src/protocol/brand.ts";
import { toNonce, wei } from "../../../src/protocol/brand.ts";
import { responseDigest } from "../../../src/protocol/responseDigest.ts";
import { address, aResponse, aSnapshot, fakeChain, hashOf, response, source, task } from "../../support/fakeChain.ts";
import { type JournalPlace, sqlitePlace } from "../../support/journals.ts";
import { signerOfKey } from "../../support/sinkBench.ts";

const { address: signer } = signerOfKey("1");
const former = { task: address<TaskAddress>(0x1b), response: address<ResponseAddress>(0x3b) };
const attempt = { kind: "confirm", hash: hashOf(9), raw: "0x00", nonce: toNonce(5), signedAt: 7 } as const;
let place: JournalPlace;
let journal: Journal;
let lease: Lease;

beforeEach(async () => {
  place = sqlitePlace();
  journal = await place.open();
  await journal.intake({
    tasks: [task, former.task].map((each) => ({ task: each, source })),
    responses: [{ response, task }, former],
    touched: [],
  });
  lease = await journal.takeLease(signer, "the command confirm", 0, 1_000);
});
afterEach(async () => {
  await journal.close();
  await place.remove();
});

const decide = (of: { readonly task: TaskAddress; readonly response: ResponseAddress }) => {
  const verdict = { kind: "confirm", reason: "", until: undefined, policy: "p", policyDigest: "d" } as const;
  const basis = { block: { number: 1n, hash: hashOf(1) }, payloadDigest: "", responseDigest: "d", payment: wei(1n) };
  const decision: Decision = { ...verdict, ...basis, ...of, mode: "enforce" };
  return journal.decide([decision], 0);
};
/** The daemon has paid with the key. */
const payFormer = async () => {
  const { id = 0 } = (await decide(former)) ?? {};
  await journal.recordAttempt(id, signer, { ...attempt, hash: hashOf(8), nonce: toNonce(4) }, [lease]);
  await journal.changeConfirmation(id, { state: "final", mined: { hash: hashOf(8), blockNumber: 2n } }, [lease]);
};
const begin = (besideDaemon = false, snapshot = aSnapshot()) =>
  recordByHand({ journal, lease, besideDaemon }, fakeChain({ snapshot: async () => snapshot }), {
    ...{ task, response, who: "ann", now: () => 7 },
  });

it("keeps what was signed, and where it was mined, as the daemon keeps its own", async () => {
  await payFormer();
  const byHand = await begin();
  expect((await journal.task(task))?.confirmation).toBeUndefined();
  await byHand?.signed(attempt);
  await byHand?.signed({ ...attempt, hash: hashOf(10) });
  await byHand?.mined({ hash: hashOf(10), blockNumber: 3n });
  const known = await journal.task(task);
  expect(known?.verdicts).toMatchObject([{ kind: "confirm", policy: "by hand", reason: "confirmed by hand, by ann" }]);
  expect(known?.confirmation).toMatchObject({
    state: "mined",
    nonce: 5,
    payment: 80n,
    responseDigest: responseDigest(aResponse()),
    mined: { hash: hashOf(10), blockNumber: 3n },
    attempts: [{ hash: hashOf(9) }, { hash: hashOf(10) }],
  });
});

type Case = readonly [string, { readonly before?: () => Promise<unknown>; readonly asked?: typeof begin }];
it.each<Case>([
  ["a daemon runs beside, with other keys", { asked: () => begin(true) }],
  ["the key has paid nothing for the journal", { before: async () => undefined }],
  [
    "the task is settled there",
    { before: async () => [await payFormer(), await journal.settleTask(task, "closed", "EXPIRED", 1n)] },
  ],
  [
    "another confirmation holds the task",
    { before: async () => [await payFormer(), await decide({ task, response })] },
  ],
  ["the chain has no such response", { asked: () => begin(false, aSnapshot({ responses: [] })) }],
])("keeps nothing where %s", async (_, { before = payFormer, asked = begin }) => {
  await before();
  expect(await asked()).toBeUndefined();
});

it("leaves no intent that a daemon would pay, where the journal refuses the signature", async () => {
  await payFormer();
  const byHand = await begin();
  await expect(byHand?.signed({ ...attempt, nonce: toNonce(4) })).rejects.toMatchObject({ code: "NONCE_CONFLICT" });
  expect(await journal.unsettled()).toEqual([]);
  expect((await journal.task(task))?.confirmation).toBeUndefined();
});
