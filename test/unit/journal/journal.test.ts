import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Attempt, ConfirmationState, Decision, Journal } from "../../../src/journal/journal.ts";
import {
  type AccountAddress,
  type Hash,
  type ResponseAddress,
  type SourceAddress,
  type TaskAddress,
  toNonce,
  unixSeconds,
  wei,
} from "../../../src/protocol/brand.ts";
import { describeJournals, type JournalPlace } from "../../support/journals.ts";

const address = <T>(digit: string) => `0x${digit.repeat(40)}` as T;
const hash = (digit: string) => `0x${digit.repeat(64)}` as Hash;
const task = address<TaskAddress>("1");
const source = address<SourceAddress>("2");
const response = address<ResponseAddress>("3");
const other = address<ResponseAddress>("4");
const signer = address<AccountAddress>("5");

const decision = (changes: Partial<Decision> = {}): Decision => ({
  response,
  kind: "confirm",
  reason: "eligible",
  until: undefined,
  policy: "cheap",
  policyDigest: "d1",
  mode: "enforce",
  task,
  block: { number: 7n, hash: hash("b") },
  payloadDigest: "",
  payment: wei(10n ** 20n),
  responseDigest: "r",
  ...changes,
});
const attempt = (nonce: number, digit: string): Attempt => ({
  kind: "confirm",
  hash: hash(digit),
  raw: "0x02",
  nonce: toNonce(nonce),
  signedAt: 1,
});

describeJournals("a journal", (journals) => {
  let place: JournalPlace;
  let journal: Journal;

  beforeEach(async () => {
    place = await journals.place();
    journal = await place.open();
  });
  afterEach(async () => {
    await journal.close().catch(() => undefined);
    await place.remove();
  });
  const reopen = async () => {
    await journal.close();
    journal = await place.open();
  };
  const withTask = () => journal.intake({ tasks: [{ task, source }], responses: [{ response, task }], touched: [] });
  const withIntent = async () => {
    await withTask();
    const intent = await journal.decide([decision()], 1);
    if (!intent) throw new Error("no intent");
    return intent;
  };

  describe("the intake", () => {
    it("answers a task once for the same news, however often it comes", async () => {
      expect(await withTask()).toEqual([task]);
      expect(await withTask()).toEqual([]);
    });

    it("keeps the checkpoint and what was read with it across a restart", async () => {
      const cursor = { number: 12n, hash: hash("c") };
      await journal.intake({ tasks: [{ task, source }], responses: [], touched: [], cursor });
      await reopen();
      expect(await journal.cursor()).toEqual(cursor);
      expect(await journal.openTasks(undefined, 10)).toEqual([task]);
    });

    it("stores neither the events nor the checkpoint when one of them cannot be stored", async () => {
      const orphan = { response: other, task: address<TaskAddress>("9") };
      const cursor = { number: 12n, hash: hash("c") };
      await expect(
        journal.intake({ tasks: [{ task, source }], responses: [orphan], touched: [], cursor }),
      ).rejects.toThrow(/foreign key/i);
      expect(await journal.cursor()).toBeUndefined();
      expect(await journal.openTasks(undefined, 10)).toEqual([]);
    });

    describe("of whose a task or a response is", () => {
      const [forged, elsewhere] = [address<SourceAddress>("c"), address<TaskAddress>("d")];
      const seen = { tasks: [{ task, source, block: 7n }], responses: [{ response, task, block: 8n }], touched: [] };
      const cursor = { number: 9n, hash: hash("c") };
      const owners = async () => [(await journal.task(task))?.source, (await journal.task(task))?.responses];
      // A socket says so, of the very blocks in which they stand.
      beforeEach(() =>
        journal.intake({
          tasks: [
            { task, source: forged, block: 7n },
            { task: elsewhere, source, block: 7n },
          ],
          responses: [{ response, task: elsewhere, block: 8n }],
          touched: [],
        }),
      );

      it.each([
        ["the scanner", { cursor }],
        ["the second pass", { audited: cursor }],
        ["the chain's state", { isState: true }],
      ])("takes the word of %s before that of a socket", async (_, word) => {
        expect(await journal.intake({ ...seen, ...word })).toEqual([task]);
        expect(await owners()).toEqual([source, [response]]);
        expect((await journal.task(elsewhere))?.responses).toEqual([]);
        expect(await journal.intake({ ...seen, ...word })).toEqual([]);
      });

      it("does not take a socket's word before anybody's", async () => {
        expect(await journal.intake(seen)).toEqual([]);
        expect(await owners()).toEqual([forged, []]);
      });

      it("opens what was ignored again when it is another source's, and leaves alone what is closed", async () => {
        await journal.settleTask(task, "ignored", "its source is not watched", 9n);
        await journal.settleTask(elsewhere, "closed", "FINALIZED", 9n);
        expect(await journal.intake({ ...seen, isState: true })).toEqual([task]);
        expect(await journal.task(task)).toMatchObject({ state: "open", reason: "", source });
        const moved = { tasks: [{ task: elsewhere, source: forged }], responses: [], touched: [] };
        expect(await journal.intake({ ...moved, isState: true })).toEqual([]);
        expect(await journal.task(elsewhere)).toMatchObject({ state: "closed", source: forged });
      });

      it("believes whatever brings a task again that a reorg took back", async () => {
        await journal.intake({ tasks: [], responses: [], touched: [], rewindTo: 6n });
        expect((await journal.task(task))?.state).toBe("vanished");
        expect(await journal.intake({ ...seen, responses: [] })).toEqual([task]);
        expect(await journal.task(task)).toMatchObject({ state: "open", source });
      });
    });

    it("keeps the blocks by which a reorg is found until it is told to forget them, and those above a rewind no longer", async () => {
      const at = (number: bigint) => ({ number, hash: hash(String(number)) });
      const nothing = { tasks: [], responses: [], touched: [] };
      await journal.intake({ ...nothing, blocks: { read: [1n, 2n, 3n, 4n].map(at), forgotten: [2n, 4n] } });
      expect(await journal.recentBlocks()).toEqual([3n, 1n].map(at));
      await journal.intake({ ...nothing, rewindTo: 2n, blocks: { read: [at(2n)], forgotten: [] } });
      expect(await journal.recentBlocks()).toEqual([2n, 1n].map(at));
    });

    it("takes the second pass back with the checkpoint, and not where it has not come as far", async () => {
      const at = (number: bigint, digit: string) => ({ number, hash: hash(digit) });
      const nothing = { tasks: [], responses: [], touched: [] };
      await journal.intake({ ...nothing, cursor: at(9n, "a"), audited: at(7n, "a") });
      await journal.intake({ ...nothing, cursor: at(8n, "b"), rewindTo: 8n });
      expect(await journal.audited()).toEqual(at(7n, "a"));
      await journal.intake({ ...nothing, cursor: at(5n, "b"), rewindTo: 5n });
      expect([await journal.audited(), await journal.cursor()]).toEqual([at(5n, "b"), at(5n, "b")]);
    });

    it("opens again what was settled in blocks that a reorg took back, and only that", async () => {
      const kept = address<TaskAddress>("8");
      await withTask();
      await journal.intake({ tasks: [{ task: kept, source }], responses: [], touched: [] });
      await journal.settleTask(task, "closed", "FINALIZED", 20n);
      await journal.settleTask(kept, "closed", "FINALIZED", 10n);
      expect(await journal.intake({ tasks: [], responses: [], touched: [], rewindTo: 10n })).toEqual([task]);
      expect(await journal.openTasks(undefined, 10)).toEqual([task]);
    });
  });

  describe("what one block showed as over", () => {
    const others = ["7", "8", "9"].map((digit) => address<TaskAddress>(digit));
    const [seventh, eighth, ninth] = others as [TaskAddress, TaskAddress, TaskAddress];
    const all = { upTo: 100n, beyond: 1_000n, after: undefined };
    beforeEach(async () => {
      await withTask();
      await journal.intake({ tasks: others.map((each) => ({ task: each, source })), responses: [], touched: [] });
      await journal.settleTask(ninth, "closed", "CANCELED", 10n);
      await journal.settleTask(seventh, "ignored", "FIRST_RESPONSE", 20n);
      await journal.settleTask(eighth, "closed", "EXPIRED", 20n);
      await journal.settleTask(task, "closed", "EXPIRED", 200n);
    });

    it("is found by its blocks, a page at a time, after a restart, too", async () => {
      await reopen();
      const [first, second, third] = await journal.settledTasks(all, 10);
      expect([first, second, third]).toEqual([
        { task: ninth, source, block: 10n },
        { task: seventh, source, block: 20n },
        { task: eighth, source, block: 20n },
      ]);
      expect(await journal.settledTasks(all, 2)).toEqual([first, second]);
      expect(await journal.settledTasks({ ...all, after: second }, 2)).toEqual([third]);
    });

    it("is found where its block is beyond all that there are", async () => {
      const beyond = { upTo: 9n, beyond: 199n, after: undefined };
      expect(await journal.settledTasks(beyond, 10)).toEqual([{ task, source, block: 200n }]);
      expect(await journal.settledTasks({ ...beyond, beyond: 200n }, 10)).toEqual([]);
    });

    it("is open again where a final block shows so; what it shows as over a reorg of that block alone opens", async () => {
      const [first, second, third] = (await journal.settledTasks(all, 10)) as [never, never, never];
      expect(await journal.settleFinally({ over: [first, second], notOver: [third] })).toEqual([eighth]);
      expect(await journal.settledTasks(all, 10)).toEqual([]);
      expect(await journal.openTasks(undefined, 10)).toEqual([eighth]);
      const rewindTo = async (to: bigint) =>
        (await journal.intake({ tasks: [], responses: [], touched: [], rewindTo: to })).toSorted();
      expect(await rewindTo(20n)).toEqual([task]);
      expect(await rewindTo(10n)).toEqual([seventh]);
      expect(await rewindTo(9n)).toEqual([ninth]);
    });

    it("stays as it is where it was settled anew meanwhile, or a confirmation holds it", async () => {
      const before = (await journal.settledTasks(all, 10))[0] as { task: TaskAddress; block: bigint };
      await journal.settleTask(ninth, "closed", "CANCELED", 11n);
      expect(await journal.settleFinally({ over: [before], notOver: [before] })).toEqual([]);
      const anew = { task: ninth, block: 11n };
      await journal.decide([decision({ task: ninth })], 1);
      expect(await journal.settledTasks(all, 10)).not.toContainEqual(anew);
      expect(await journal.settleFinally({ over: [], notOver: [anew] })).toEqual([]);
      expect((await journal.task(ninth))?.state).toBe("closed");
    });
  });

  describe("decisions", () => {
    it("store the intent to pay together with the verdict that approves it", async () => {
      const intent = await withIntent();
      const record = await journal.task(task);
      expect(record?.verdicts[0]).toMatchObject({ id: intent.verdictId, kind: "confirm", payment: 10n ** 20n });
      expect(record?.confirmation).toEqual(intent);
    });

    it("name the transaction that was mined for them, though a newer one was signed", async () => {
      const { id, verdictId } = await withIntent();
      await journal.recordAttempt(id, signer, attempt(5, "a"));
      await journal.recordAttempt(id, signer, attempt(5, "b"));
      expect(await journal.decision(verdictId)).toMatchObject({ confirmation: "signed", transaction: hash("b") });
      await journal.changeConfirmation(id, { state: "final", mined: { hash: hash("a"), blockNumber: 9n } });
      await journal.decide([decision({ response: other, kind: "reject" })], 2);
      const [paid, rejected] = await journal.decisions(0);
      expect(paid).toMatchObject({ confirmation: "final", transaction: hash("a") });
      expect(rejected).toMatchObject({ confirmation: undefined, transaction: undefined });
    });

    it("say what became of the confirmation that they led to, beside its newest transaction", async () => {
      const { id, verdictId } = await withIntent();
      expect(await journal.decision(verdictId)).toMatchObject({ confirmation: "intended", transaction: undefined });
      await journal.recordAttempt(id, signer, attempt(5, "a"));
      await journal.changeConfirmation(id, { state: "cancelled" });
      expect(await journal.decision(verdictId)).toMatchObject({ confirmation: "cancelled", transaction: hash("a") });
      await journal.decide([decision({ response: other, kind: "reject" })], 2);
      expect(await journal.decisionOf(other)).toMatchObject({ confirmation: undefined, transaction: undefined });
    });

    it("never hold two confirmations for one task", async () => {
      await withIntent();
      expect(await journal.decide([decision({ response: other })], 2)).toBeUndefined();
      expect(await journal.unsettled()).toHaveLength(1);
    });

    it("leave a task free for another response when the simulation rejected the first", async () => {
      const { id } = await withIntent();
      await journal.changeConfirmation(id, { state: "rejected", reason: "NotEligible" });
      expect(await journal.decide([decision({ response: other })], 2)).toMatchObject({ response: other });
    });

    it("take whatever characters a stranger's text has", async () => {
      await withTask();
      await journal.decide([decision({ kind: "reject", reason: "a\0b \ud800 €" })], 1);
      expect((await journal.task(task))?.verdicts[0]?.reason).toMatch(/^a.b . €$/su);
    });

    it("pay nothing in shadow mode", async () => {
      await withTask();
      expect(await journal.decide([decision({ mode: "shadow" })], 1)).toBeUndefined();
      expect(await journal.unsettled()).toEqual([]);
    });

    it("count how often a response was told to wait", async () => {
      await withTask();
      for (const until of [10, 20, 30]) {
        await journal.decide([decision({ kind: "wait", until: unixSeconds(until) })], until);
      }
      const [last] = (await journal.task(task))?.verdicts ?? [];
      expect(last).toMatchObject({ kind: "wait", until: 30, waits: 3 });
    });

    it("can be neither changed nor deleted, by anybody", async () => {
      await withIntent();
      await expect(place.tamper("UPDATE verdicts SET kind = 'reject'")).rejects.toThrow(/append-only/);
      await expect(place.tamper("DELETE FROM verdicts")).rejects.toThrow(/append-only/);
    });
  });

  describe("nonces and attempts", () => {
    it("survive a restart with their bytes", async () => {
      const { id } = await withIntent();
      await journal.recordAttempt(id, signer, attempt(5, "a"));
      await reopen();
      const [confirmation] = await journal.unsettled();
      expect(confirmation).toMatchObject({ state: "signed", nonce: 5, attempts: [{ hash: hash("a"), raw: "0x02" }] });
      expect(await journal.highestNonce(signer)).toBe(5);
    });

    it("refuse a second nonce for a confirmation that holds one", async () => {
      const { id } = await withIntent();
      await journal.recordAttempt(id, signer, attempt(5, "a"));
      await expect(journal.recordAttempt(id, signer, attempt(6, "b"))).rejects.toThrow(/would pay twice/);
    });

    it("refuse a nonce that another confirmation holds", async () => {
      const { id } = await withIntent();
      await journal.recordAttempt(id, signer, attempt(5, "a"));
      const second = address<TaskAddress>("6");
      await journal.intake({ tasks: [{ task: second, source }], responses: [], touched: [] });
      const intent = await journal.decide([decision({ task: second, response: other })], 2);
      await expect(journal.recordAttempt(intent?.id ?? 0, signer, attempt(5, "b"))).rejects.toThrow(/belongs to/);
    });

    it("count against ceilings from when their nonce was signed first, however often it is signed anew", async () => {
      const { id } = await withIntent();
      const since = async () => {
        const spent = await journal.moneySpent({ since: 0, after: undefined, limit: 9 });
        return spent.map(({ at }) => at);
      };
      await journal.recordAttempt(id, signer, attempt(5, "a"));
      await journal.recordAttempt(id, signer, { ...attempt(5, "b"), signedAt: 60_000 });
      expect(await since()).toEqual([1]);
      await journal.changeConfirmation(id, { state: "intended" });
      await journal.recordAttempt(id, signer, { ...attempt(6, "c"), signedAt: 120_000 });
      expect(await since()).toEqual([120_000]);
    });

    it("keep every replacement, oldest first", async () => {
      const { id } = await withIntent();
      await journal.recordAttempt(id, signer, attempt(5, "f"));
      await journal.recordAttempt(id, signer, attempt(5, "a"));
      const { attempts } = await journal.confirmation(id);
      expect(attempts.map((each) => each.hash)).toEqual([hash("f"), hash("a")]);
    });

    it("are stored together with what is said of the confirmation from then on; else nothing is said of it", async () => {
      const { id: confirmationId } = await withIntent();
      const cancel = { ...attempt(5, "a"), kind: "cancel" } as const;
      const told = await journal.recordAttempts([{ confirmationId, signer, attempt: cancel, reason: "given up" }]);
      expect(told).toMatchObject([{ state: "signed", reason: "given up" }]);
      await reopen();
      expect(await journal.unsettled()).toEqual(told);
      const plain = await journal.recordAttempts([{ confirmationId, signer, attempt: attempt(5, "b") }]);
      expect(plain).toMatchObject([{ reason: "" }]);
      expect(await journal.unsettled()).toEqual(plain);
    });

    it("make a signed confirmation impossible to reject", async () => {
      const { id } = await withIntent();
      await journal.recordAttempt(id, signer, attempt(5, "a"));
      await expect(journal.changeConfirmation(id, { state: "rejected" })).rejects.toThrow(/cannot be rejected/);
    });

    it.each([
      ["vanishes with it", undefined, "vanished"],
      ["vanishes with it, seen in a block that is gone,", 9n, "vanished"],
      ["stays open where a later block has brought it again", 11n, "open"],
    ])("settle one whose task a final block is without: the task %s", async (_, seen, state) => {
      const { id } = await withIntent();
      const cursor = { number: 12n, hash: hash("c") };
      if (seen !== undefined) {
        await journal.intake({ tasks: [{ task, source, block: seen }], responses: [], touched: [], cursor });
      }
      await journal.changeConfirmation(id, {
        state: "rejected",
        reason: "a reorg took the task back",
        withoutTask: 10n,
      });
      expect((await journal.task(task))?.state).toBe(state);
      const news = { tasks: [{ task, source, block: 13n }], responses: [], touched: [] };
      await journal.intake({ ...news, cursor: { number: 13n, hash: hash("d") } });
      expect((await journal.task(task))?.state).toBe("open");
    });

    it("leave a settled confirmation as it is", async () => {
      const { id } = await withIntent();
      await journal.changeConfirmation(id, { state: "superseded", reason: "FINALIZED" });
      await expect(journal.changeConfirmation(id, { state: "intended" })).rejects.toThrow(/settled/);
      expect((await journal.task(task))?.state).toBe("closed");
    });

    it.each<[ConfirmationState, boolean]>([
      ["intended", true],
      ["signed", true],
      ["broadcast", true],
      ["mined", true],
      ["final", false],
      ["superseded", false],
      ["rejected", false],
      ["cancelled", false],
      ["dead", false],
    ])("let one that is %s change: %s", async (state, mayChange) => {
      const { id } = await withIntent();
      await journal.changeConfirmation(id, { state });
      expect((await journal.unsettled()).map((each) => each.id)).toEqual(mayChange ? [id] : []);
      const changed = journal.changeConfirmation(id, { state: state === "intended" ? "mined" : "intended" });
      if (mayChange) await changed;
      else await expect(changed).rejects.toThrow(/a settled confirmation cannot change/);
    });

    it("know no other words for where something stands", async () => {
      await withIntent();
      const odd = /check constraint/i;
      await expect(place.tamper("UPDATE confirmations SET state = 'odd'")).rejects.toThrow(odd);
      await expect(place.tamper("UPDATE tasks SET state = 'odd'")).rejects.toThrow(odd);
      await expect(journal.decide([decision({ kind: "odd" as never })], 1)).rejects.toThrow(odd);
      const answer =
        "verdict_id, task, response, kind, who, why, answered_at) SELECT id, task, response, 'odd', '', '', 1";
      await expect(place.tamper(`INSERT INTO held_answers (${answer} FROM verdicts`)).rejects.toThrow(odd);
    });
  });

  describe("opening", () => {
    it("refuses a journal of another chain", async () => {
      await journal.close();
      await expect(place.open({ chainId: 5 })).rejects.toThrow(/belongs to chain 1071, not to chain 5/);
      journal = await place.open();
    });

    it("is for one daemon at a time", async () => {
      await expect(place.open()).rejects.toMatchObject({
        code: "JOURNAL_LOCKED",
        // Two journals with one key are two daemons in the same nonces.
        remedy: expect.stringMatching(
          /^stop the other daemon, or give this one (a journal|a database) and a key of its own/,
        ),
      });
    });

    it("lets commands in beside the daemon, and each sees what the other wrote", async () => {
      const beside = await place.open({ shared: true });
      await beside.setPause({ by: "operator", who: "ann", why: "odd prices", at: 5 });
      expect(await journal.pause()).toMatchObject({ who: "ann" });
      await withIntent();
      expect(await beside.unsettled()).toHaveLength(1);
      await beside.close();
    });
  });
});
