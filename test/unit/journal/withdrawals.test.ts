import { afterEach, beforeEach, expect, it } from "vitest";
import type { Confirmation, Decision, Journal, NewAttempt } from "../../../src/journal/journal.ts";
import { type ResponseAddress, type TaskAddress, toNonce, wei } from "../../../src/protocol/brand.ts";
import { address, hashOf, source } from "../../support/fakeChain.ts";
import { describeJournals, type JournalPlace } from "../../support/journals.ts";
import { signerOfKey } from "../../support/sinkBench.ts";

const { address: signer } = signerOfKey("1");
const why = "withdrawn by ann: it pays for nothing";
const pause = { by: "operator", who: "ann", why: "a bad policy", at: 1 } as const;

const decisionOf = (at: number, changes: Partial<Decision> = {}): Decision => ({
  ...{ task: address<TaskAddress>(0x100 + at), response: address<ResponseAddress>(0x200 + at), kind: "confirm" },
  ...{ reason: "eligible", until: undefined, policy: "bad", policyDigest: "d", mode: "enforce", payloadDigest: "" },
  ...{ block: { number: 1n, hash: hashOf(1) }, payment: wei(5n), responseDigest: "r" },
  ...changes,
});
const cursorAt = (number: bigint) => ({ number, hash: hashOf(Number(number)) });
const attemptFor = ({ id }: Pick<Confirmation, "id">, nonce: number): NewAttempt => ({
  confirmationId: id,
  signer,
  attempt: { kind: "confirm", hash: hashOf(id), raw: "0x02", nonce: toNonce(nonce), signedAt: 7, maxCost: wei(1n) },
});

type Five = readonly [Confirmation, Confirmation, Confirmation, Confirmation, Confirmation];

describeJournals("an approval", (journals) => {
  let place: JournalPlace;
  let journal: Journal;
  beforeEach(async () => {
    place = await journals.place();
    journal = await place.open();
  });
  afterEach(async () => {
    await journal.close();
    await place.remove();
  });
  const approve = async (count: number, changes: Partial<Decision> = {}): Promise<readonly Confirmation[]> => {
    const made: Confirmation[] = [];
    for (let at = 0; at < count; at++) {
      const decision = decisionOf(at, changes);
      const { task, response } = decision;
      await journal.intake({ tasks: [{ task, source }], responses: [{ response, task }], touched: [] });
      const intent = await journal.decide([decision], 9);
      if (intent) made.push(intent);
    }
    return made;
  };
  const states = async (confirmations: readonly Confirmation[]) =>
    (await journal.confirmations(confirmations.map(({ id }) => id))).map(({ state }) => state);

  it("is listed with its policy and its reason as long as it waits to be signed, the oldest first", async () => {
    const [first, second, third] = (await approve(3)) as [Confirmation, Confirmation, Confirmation];
    await journal.recordAttempt(second.id, signer, attemptFor(second, 0).attempt);
    expect(await journal.approvals()).toEqual(
      [first, third].map((confirmation) => ({ confirmation, policy: "bad", reason: "eligible", decidedAt: 9 })),
    );
  });

  it("of a person is not used up where another confirmation holds its task meanwhile: nothing of it is recorded", async () => {
    const { task } = decisionOf(0);
    const other = address<ResponseAddress>(0x300);
    await journal.intake({ tasks: [{ task, source }], responses: [{ response: other, task }], touched: [] });
    await journal.decide([decisionOf(0, { response: other, kind: "hold" })], 8);
    const [held] = await journal.held();
    const verdictId = held?.id ?? 0;
    await journal.answerHeld({ verdictId, kind: "approve", who: "ann", why: "fine" }, 8);
    const [led] = (await approve(1)) as [Confirmation];
    expect(await journal.answeredTasks()).toEqual([]);
    const approval = decisionOf(0, { response: other, answers: verdictId });
    await expect(journal.decide([approval], 10)).rejects.toMatchObject({ code: "TASK_HELD" });
    expect((await journal.task(task))?.answers).toMatchObject([{ verdictId }]);
    expect((await journal.decisionsOfTask(task, 9)).map(({ kind }) => kind)).toEqual(["confirm", "hold"]);
    await journal.changeConfirmation(led.id, { state: "rejected", reason: "" });
    expect(await journal.answeredTasks()).toEqual([task]);
    expect(await journal.decide([approval], 11)).toMatchObject({ response: other });
  });

  it("is withdrawn only while paying is paused", async () => {
    const intents = await approve(1);
    const ids = intents.map(({ id }) => id);
    await expect(journal.withdraw(ids, why)).rejects.toMatchObject({ code: "NOT_PAUSED" });
    await journal.setPause(pause);
    await journal.endPause({ who: "ann", why: "", at: 2 });
    await expect(journal.withdraw(ids, why)).rejects.toMatchObject({ code: "NOT_PAUSED" });
    expect(await states(intents)).toEqual(["intended"]);
  });

  it("that was ever signed stays as it is, whatever became of it; so does one that is settled", async () => {
    const intents = await approve(5);
    const [free, signed, anew, final, refused] = intents as Five;
    for (const [nonce, each] of [signed, anew, final].entries())
      await journal.recordAttempt(each.id, signer, attemptFor(each, nonce).attempt);
    await journal.changeConfirmation(anew.id, { state: "intended", reason: "it reverted" });
    await journal.changeConfirmation(final.id, { state: "final" });
    await journal.changeConfirmation(refused.id, { state: "rejected", reason: "the chain refuses it" });
    await journal.setPause(pause);
    const before = await journal.confirmations(intents.slice(1).map(({ id }) => id));
    expect(await journal.withdraw([...intents.map(({ id }) => id), 9_999], why)).toEqual([
      { ...free, state: "rejected", reason: why },
    ]);
    expect(await journal.confirmation(free.id)).toEqual({ ...free, state: "rejected", reason: why });
    expect(await journal.confirmations(intents.slice(1).map(({ id }) => id))).toEqual(before);
    expect(await journal.withdraw([free.id], "again")).toEqual([]);
  });

  it("that is withdrawn leaves its task to another response, and is not unsettled after a restart", async () => {
    const [first] = (await approve(1)) as [Confirmation];
    await journal.setPause(pause);
    await journal.withdraw([first.id], why);
    await journal.close();
    journal = await place.open();
    expect([await journal.unsettled(), await journal.approvals()]).toEqual([[], []]);
    const other = address<ResponseAddress>(0x999);
    await journal.intake({ tasks: [], responses: [{ response: other, task: first.task }], touched: [] });
    expect(await journal.decide([decisionOf(0, { response: other })], 10)).toMatchObject({ response: other });
  });

  it("that is withdrawn is named by its task's record, together with what it was; one that the chain refuses is not", async () => {
    const [first, refused] = (await approve(2)) as [Confirmation, Confirmation];
    const { task, response } = first;
    await journal.setPause(pause);
    await journal.withdraw([first.id], why);
    await journal.changeConfirmation(refused.id, { state: "rejected", reason: "the chain refuses it" });
    await journal.intake({ tasks: [], responses: [{ response, task, block: 8n }], touched: [], cursor: cursorAt(8n) });
    expect(await journal.task(task)).toMatchObject({
      withdrawn: [{ response, responseDigest: "r" }],
      confirmation: undefined,
    });
    expect((await journal.task(refused.task))?.withdrawn).toEqual([]);
  });

  it("that is withdrawn while a batch is signed keeps the whole batch from being stored, and ends nobody", async () => {
    const intents = await approve(20);
    const [withdrawn, ...others] = intents.toReversed() as [Confirmation, ...Confirmation[]];
    await journal.setPause(pause);
    await journal.withdraw([withdrawn.id], why);
    await journal.endPause({ who: "ann", why: "", at: 2 });
    const batch = intents.map((each, nonce) => attemptFor(each, nonce));
    await expect(journal.recordAttempts(batch)).rejects.toMatchObject({ name: "RetryableError", code: "WITHDRAWN" });
    await expect(journal.recordAttempt(withdrawn.id, signer, attemptFor(withdrawn, 0).attempt)).rejects.toMatchObject({
      code: "WITHDRAWN",
    });
    expect(await journal.highestNonce(signer)).toBeUndefined();
    expect(await journal.gasSpent({ since: 0, after: undefined, limit: 9 })).toEqual([]);
    expect(new Set(await states(others))).toEqual(new Set(["intended"]));
    const again = others.map((each, nonce) => attemptFor(each, nonce));
    expect(await journal.recordAttempts(again)).toHaveLength(19);
  });

  it("is signed by nobody while paying is paused, by hand neither; what was signed before goes on", async () => {
    const [before, after] = (await approve(2)) as [Confirmation, Confirmation];
    await journal.recordAttempt(before.id, signer, attemptFor(before, 0).attempt);
    await journal.setPause(pause);
    const refused = {
      name: "ConfigError",
      code: "PAYING_PAUSED",
      message: expect.stringContaining("by ann: a bad policy"),
    };
    await expect(journal.recordAttempt(after.id, signer, attemptFor(after, 1).attempt)).rejects.toMatchObject(refused);
    const { attempt: dearer } = attemptFor({ id: 77 }, 0);
    await expect(
      journal.recordAttempts([{ confirmationId: before.id, signer, attempt: dearer }, attemptFor(after, 1)]),
    ).rejects.toMatchObject(refused);
    const byHand = decisionOf(9);
    const { task, response } = byHand;
    await journal.intake({ tasks: [{ task, source }], responses: [{ response, task }], touched: [] });
    await expect(journal.recordByHand(byHand, signer, attemptFor({ id: 99 }, 1).attempt, 9)).rejects.toMatchObject(
      refused,
    );
    expect((await journal.task(task))?.verdicts).toEqual([]);
    expect(await states([before, after])).toEqual(["signed", "intended"]);
    expect(await journal.highestNonce(signer)).toBe(0);
    await journal.recordAttempt(before.id, signer, dearer);
    await journal.endPause({ who: "ann", why: "", at: 2 });
    await journal.recordAttempt(after.id, signer, attemptFor(after, 1).attempt);
    expect(await states([before, after])).toEqual(["signed", "signed"]);
  });

  it("is either signed or withdrawn where a command and the daemon are at it together", async () => {
    const intents = await approve(24);
    const command = await place.open({ shared: true });
    const outcomes: unknown[] = [];
    for (const [nonce, intent] of intents.entries()) {
      const sign = () => journal.recordAttempt(intent.id, signer, attemptFor(intent, nonce).attempt);
      const takeBack = async () => {
        await command.setPause(pause);
        return command.withdraw([intent.id], why);
      };
      const both = nonce % 2 === 0 ? [sign(), takeBack()] : [takeBack(), sign()].toReversed();
      const [signed, withdrawn] = await Promise.allSettled(both);
      outcomes.push([signed?.status, (withdrawn as PromiseFulfilledResult<readonly unknown[]>).value.length]);
      await command.endPause({ who: "ann", why: "", at: 2 });
    }
    await command.close();
    const expected = (await states(intents)).map((state) =>
      state === "signed" ? ["fulfilled", 0] : state === "rejected" ? ["rejected", 1] : state,
    );
    expect(outcomes).toEqual(expected);
  });
});
