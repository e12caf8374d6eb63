import { afterEach, beforeEach, expect, it } from "vitest";
import { recordByHand } from "../../../src/cli/recordByHand.ts";
import { NotMinedError, TransactionFailedError } from "../../../src/client/errors.ts";
import { FatalError } from "../../../src/errors.ts";
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
const asJudged = responseDigest(aResponse());
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

const decide = async (of: Pick<Decision, "task" | "response"> & Partial<Decision>) => {
  const verdict = { kind: "confirm", reason: "", until: undefined, policy: "p", policyDigest: "d" } as const;
  const basis = { block: { number: 1n, hash: hashOf(1) }, payloadDigest: "", payment: wei(80n) };
  const decision: Decision = { ...verdict, ...basis, responseDigest: asJudged, ...of, mode: "enforce" };
  return (await journal.decide([decision], 0))?.id ?? 0;
};
/** The daemon has paid with the key. */
const payFormer = async () => {
  const id = await decide(former);
  await journal.recordAttempt(id, signer, { ...attempt, hash: hashOf(8), nonce: toNonce(4) }, [lease]);
  await journal.changeConfirmation(id, { state: "final", mined: { hash: hashOf(8), blockNumber: 2n } }, [lease]);
};
const begin = (besideDaemon = false, snapshot = aSnapshot(), on = journal) =>
  recordByHand({ journal: on, lease, besideDaemon }, fakeChain({ snapshot: async () => snapshot }), {
    ...{ task, response, expected: aResponse(), who: "ann", now: () => 7 },
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
    responseDigest: asJudged,
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
])("keeps nothing where %s", async (_, { before = payFormer, asked = begin }) => {
  await before();
  expect(await asked()).toBeUndefined();
});

it("keeps nothing of another response than the one that was shown", async () => {
  await payFormer();
  const other = aSnapshot({ responses: [aResponse({ data: "another" })] });
  await expect(begin(false, other)).rejects.toMatchObject({ code: "RESPONSE_CHANGED" });
});

it("signs for what the daemon means to pay and has not signed", async () => {
  await payFormer();
  const id = await decide({ task, response });
  const byHand = await begin();
  await byHand?.signed(attempt);
  await byHand?.signed({ ...attempt, hash: hashOf(10) });
  expect((await journal.task(task))?.confirmation).toMatchObject({
    ...{ id, state: "signed", nonce: 5 },
    attempts: [{ hash: hashOf(9) }, { hash: hashOf(10) }],
  });
  expect((await journal.task(task))?.verdicts).toMatchObject([{ policy: "p" }]);
});

const signedBefore = async () => {
  const id = await decide({ task, response });
  await journal.recordAttempt(id, signerOfKey("2").address, attempt);
  return id;
};
type Refusal = readonly [string, () => Promise<unknown>, RegExp];
it.each<Refusal>([
  [
    "of another response",
    () => decide({ task, response: former.response }),
    /pays that one .*limits.*--signer-key-file/,
  ],
  ["of what stood there before", () => decide({ task, response, responseDigest: "d" }), /drops what is not there/],
  ["that is signed", signedBefore, /start the daemon, which finishes it/],
  ["that is mined", async () => journal.changeConfirmation(await signedBefore(), { state: "mined" }), /finishes it/],
  [
    "that was signed before and is tried anew",
    async () => journal.changeConfirmation(await signedBefore(), { state: "intended" }),
    /finishes it/,
  ],
  [
    "that is dead",
    async () => journal.changeConfirmation(await signedBefore(), { state: "dead" }),
    /--signer-key-file/,
  ],
])("refuses where the journal has a confirmation of the task %s", async (_, hold, remedy) => {
  await payFormer();
  await hold();
  const before = (await journal.task(task))?.confirmation;
  await expect(begin()).rejects.toMatchObject({
    ...{ code: "ALREADY_SENT", exitCode: 1 },
    message: expect.stringContaining(`holds the task ${task} in the journal, for the response ${before?.response}`),
    remedy: expect.stringMatching(remedy),
  });
  expect((await journal.task(task))?.confirmation).toEqual(before);
});

it("goes on when another confirmation of the task was rejected", async () => {
  await payFormer();
  await journal.changeConfirmation(await decide({ task, response: former.response }), { state: "rejected" });
  await (await begin())?.signed(attempt);
  expect((await journal.task(task))?.confirmation).toMatchObject({ response, state: "signed" });
});

it("is to be tried again where the node does not have the response yet", async () => {
  await payFormer();
  await expect(begin(false, aSnapshot({ responses: [] }))).rejects.toMatchObject({ code: "NODE_BEHIND", exitCode: 75 });
});

it("leaves neither intent nor verdict where the journal refuses the signature", async () => {
  await payFormer();
  const byHand = await begin();
  const refused = byHand?.signed({ ...attempt, nonce: toNonce(4) });
  const error = await refused?.catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "NONCE_CONFLICT" });
  expect(byHand?.failed(error)).toBe(error);
  expect(await journal.unsettled()).toEqual([]);
  expect(await journal.task(task)).toMatchObject({ state: "open", verdicts: [], confirmation: undefined });
  await byHand?.signed(attempt);
  expect((await journal.task(task))?.confirmation).toMatchObject({ state: "signed", nonce: 5 });
});

it("leaves what another one holds meanwhile, and no verdict of its own", async () => {
  await payFormer();
  const byHand = await begin();
  const id = await decide({ task, response: former.response });
  await expect(byHand?.signed(attempt)).rejects.toMatchObject({ code: "ALREADY_SENT" });
  expect(await journal.task(task)).toMatchObject({ verdicts: [{ policy: "p" }], confirmation: { id, attempts: [] } });
});

it("says so, too, where the journal has it and its disk does not say that it has taken it", async () => {
  await payFormer();
  const unsynced = new FatalError("the disk did not take it", { code: "JOURNAL_UNSYNCED" });
  const unsure: Journal = {
    ...journal,
    recordByHand: async (...args) => {
      await journal.recordByHand(...args);
      throw unsynced;
    },
  };
  const byHand = await begin(false, aSnapshot(), unsure);
  await expect(byHand?.signed(attempt)).rejects.toBe(unsynced);
  expect(byHand?.failed(unsynced)).toMatchObject({
    code: "JOURNAL_UNSYNCED",
    remedy: expect.stringMatching(/^the journal keeps it: start the daemon/),
  });
});

it("says that nobody knows where another daemon took the journal over as it was stored", async () => {
  await payFormer();
  for (const code of ["JOURNAL_TAKEN", "JOURNAL_LOST"]) {
    const taken = new FatalError("another daemon holds the journal now", { code, remedy: "let one alone use it" });
    const recordByHand = () => Promise.reject(taken);
    const byHand = await begin(false, aSnapshot(), { ...journal, recordByHand });
    await expect(byHand?.signed(attempt)).rejects.toBe(taken);
    expect(byHand?.failed(taken)).toMatchObject({
      ...{ code, exitCode: taken.exitCode },
      remedy: expect.stringMatching(/^the journal may have kept it, .* look .*`ogpu-confirmd tasks`.* before you pay/),
    });
  }
});

it("says of a failure what the daemon will do, once something is recorded", async () => {
  await payFormer();
  const byHand = await begin();
  const sent = { hash: hashOf(9), nonce: 5 };
  const failures = [new NotMinedError("it", sent, "no block has it"), new TransactionFailedError("it", sent, "why")];
  expect(failures.map((error) => byHand?.failed(error))).toEqual(failures);
  await byHand?.signed(attempt);
  for (const error of failures) {
    const { code, message, exitCode } = error;
    expect(byHand?.failed(error)).toMatchObject({
      ...{ code, message, exitCode },
      remedy: expect.stringMatching(/^the journal keeps it: start the daemon, .* pays it itself/),
    });
  }
});
