import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RetryableError } from "../../../src/errors.ts";
import type { ConfirmationState, Decision, Intake, Journal } from "../../../src/journal/journal.ts";
import { openSqliteJournal } from "../../../src/journal/sqliteJournal.ts";
import {
  type AccountAddress,
  type Hash,
  type ResponseAddress,
  type SourceAddress,
  type TaskAddress,
  toNonce,
  wei,
} from "../../../src/protocol/brand.ts";
import { describeJournals, type JournalPlace } from "../../support/journals.ts";

const hex = <T>(kind: number, number: number, digits = 40) =>
  `0x${kind}${number.toString(16).padStart(digits - 1, "0")}` as T;
const taskAt = (number: number) => hex<TaskAddress>(1, number);
const source = hex<SourceAddress>(2, 0);
const signer = hex<AccountAddress>(5, 0);
const providers = [0, 1, 2].map((number) => hex<AccountAddress>(6, number));
const day = 86_400_000;

const exits = [
  "final",
  "superseded",
  "cancelled",
  "rejected",
  "dead",
  "mined",
  "broadcast",
  "signed",
  "intended",
] as const;
const ends = [...exits, "closed", "ignored", "open"] as const;
type End = (typeof ends)[number];

describeJournals("upkeep", (journals, kind) => {
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

  let nonce = 0;
  /** One task with two judged responses, brought to its end at a moment. */
  const play = async (number: number, end: End, at: number): Promise<void> => {
    const task = taskAt(number);
    const responses = [2 * number, 2 * number + 1].map((each) => hex<ResponseAddress>(3, each));
    const decide = (response: ResponseAddress, kind: Decision["kind"], provider: number): Decision => ({
      task,
      response,
      kind,
      reason: "because",
      until: undefined,
      policy: "p",
      policyDigest: "d",
      mode: "enforce",
      block: { number: BigInt(number), hash: hex<Hash>(4, number, 64) },
      payloadDigest: "",
      payment: wei(BigInt(number + 1) * 10n ** 18n),
      responseDigest: "r",
      provider: providers[provider % providers.length] as AccountAddress,
      offered: wei(BigInt(number + 2) * 10n ** 18n),
    });
    await journal.intake({
      tasks: [{ task, source, block: BigInt(number) }],
      responses: responses.map((response) => ({ response, task, block: BigInt(number) })),
      touched: [],
    });
    const [first, second] = responses as [ResponseAddress, ResponseAddress];
    const pays = (exits as readonly string[]).includes(end);
    const kind = pays ? "confirm" : "reject";
    const intent = await journal.decide([decide(first, "reject", number + 1), decide(second, kind, number)], at);
    if (intent && end !== "intended") {
      if (end !== "rejected") {
        const attempt = {
          kind: "confirm",
          hash: hex<Hash>(7, number, 64),
          raw: "0x02",
          nonce: toNonce(nonce++),
          signedAt: at,
        } as const;
        await journal.recordAttempt(intent.id, signer, { ...attempt, maxCost: wei(10n) });
      }
      if (end !== "signed") await journal.changeConfirmation(intent.id, { state: end as ConfirmationState });
    }
    if (end === "closed" || end === "ignored" || end === "cancelled" || end === "rejected")
      await journal.settleTask(task, end === "ignored" ? "ignored" : "closed", "over", BigInt(number));
  };
  beforeEach(() => {
    nonce = 0;
  });

  /** Everything that decides about money. */
  const whatMatters = async (since: number) => ({
    open: await journal.openTasks(undefined, 10),
    unsettled: await journal.unsettled(),
    highest: await journal.highestNonce(signer),
    money: await journal.moneySpent({ since, after: undefined, limit: 1_000 }),
    gas: await journal.gasSpent({ since, after: undefined, limit: 1_000 }),
    history: await journal.providerHistory(providers),
    held: await journal.held(),
    cursor: await journal.cursor(),
  });

  const pruneAt = async (now: number, keep: number): Promise<number> => {
    await journal.noteSettled(now);
    return journal.prune({ settledBefore: now - keep, now, limit: 1_000 });
  };

  describe("pruning", () => {
    it("changes nothing that caps, open tasks, unsettled confirmations, nonces or policies stand on", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.constantFrom(...ends), { minLength: 1, maxLength: 12 }), async (tasks) => {
          await journal.close();
          await place.remove();
          place = await journals.place();
          journal = await place.open();
          nonce = 0;
          const recent = Math.ceil(tasks.length / 2);
          for (const [number, end] of tasks.entries()) {
            if (number === recent) await pruneAt(20, 10 * day);
            await play(number, end, number < recent ? number : 35 * day + number);
          }
          await pruneAt(36 * day, 40 * day);
          const before = await whatMatters(33 * day);
          const pruned = await pruneAt(40 * day, 10 * day);
          expect(pruned).toBeLessThanOrEqual(recent);
          expect(await whatMatters(33 * day)).toEqual(before);
          for (const [number, end] of tasks.entries())
            if (["dead", "mined", "broadcast", "signed", "intended", "open"].includes(end))
              expect((await journal.task(taskAt(number)))?.verdicts).toHaveLength(2);
        }),
        { numRuns: 25 },
      );
    });

    it("waits until a task was seen settled for long enough, however old its verdicts are", async () => {
      await play(0, "closed", 0);
      await play(1, "final", 0);
      await play(2, "final", 0);
      expect(await pruneAt(100 * day, 90 * day)).toBe(0);
      expect(await pruneAt(189 * day, 90 * day)).toBe(0);
      // The newest nonce stays: by it the next one is taken.
      expect(await pruneAt(191 * day, 90 * day)).toBe(2);
      expect((await journal.task(taskAt(2)))?.verdicts).toHaveLength(2);
    });

    it("keeps what was signed within two days, however long ago its task was settled", async () => {
      await play(0, "final", 100 * day);
      await play(1, "final", 100 * day);
      await journal.noteSettled(0);
      const before = await whatMatters(99 * day);
      expect(before.money).toHaveLength(2);
      for (const now of [100 * day + 1, 101 * day, 102 * day])
        expect(await journal.prune({ settledBefore: now, now, limit: 10 })).toBe(0);
      expect(await whatMatters(99 * day)).toEqual(before);
      const now = 102 * day + 1;
      expect(await journal.prune({ settledBefore: now, now, limit: 10 })).toBe(1);
    });

    it("leaves a row by which a pruned task stays settled and unpaid, whatever comes", async () => {
      await play(0, "final", 0);
      await play(1, "final", 0);
      await pruneAt(0, day);
      expect(await pruneAt(9 * day, day)).toBe(1);
      const left = await journal.task(taskAt(0));
      expect(left).toMatchObject({ state: "closed", responses: [], verdicts: [], confirmation: undefined });
      const response = hex<ResponseAddress>(3, 0);
      const again = {
        tasks: [{ task: taskAt(0), source, block: 99n }],
        responses: [{ response, task: taskAt(0), block: 99n }],
      };
      expect(await journal.intake({ ...again, touched: [taskAt(0)] })).toEqual([]);
      expect(await journal.intake({ tasks: [], responses: [], touched: [], rewindTo: 0n })).not.toContain(taskAt(0));
      expect(await journal.intake({ ...again, touched: [] })).toEqual([]);
      const decision = {
        task: taskAt(0),
        response,
        kind: "confirm",
        reason: "again",
        until: undefined,
        policy: "p",
        policyDigest: "d",
        mode: "enforce",
        block: { number: 9n, hash: hex<Hash>(4, 9, 64) },
        payloadDigest: "",
        payment: wei(1n),
        responseDigest: "r",
      } as const;
      await expect(journal.decide([decision], 9 * day)).rejects.toThrow("a pruned task cannot be paid");
    });

    it.each<[string, Partial<Intake>]>([
      ["the chain's state", { isState: true }],
      ["the scanner", { cursor: { number: 99n, hash: hex<Hash>(4, 99, 64) } }],
    ])("lets %s name a pruned task that was ignored under another source, and a reorg after that", async (_, word) => {
      for (const number of [0, 1]) {
        await journal.intake({ tasks: [{ task: taskAt(number), source }], responses: [], touched: [] });
        await journal.settleTask(taskAt(number), "ignored", "its source is not watched", 5n);
      }
      await pruneAt(0, day);
      expect(await pruneAt(9 * day, day)).toBe(2);
      const other = hex<SourceAddress>(9, 1);
      const named = { task: taskAt(0), source: other, block: 99n };
      const open = { task: taskAt(7), source: other, block: 99n };
      expect(await journal.intake({ responses: [], touched: [], ...word, tasks: [named, open] })).toEqual([taskAt(7)]);
      await journal.intake({ tasks: [], responses: [], touched: [], rewindTo: 40n });
      expect(await journal.task(taskAt(0))).toMatchObject({ state: "ignored", source });
    });

    it("works in bounded steps, and gives the space back to the disk", async () => {
      for (let number = 0; number < 120; number++) await play(number, "closed", 0);
      await journal.noteSettled(0);
      const order = { settledBefore: day, now: 2 * day, limit: 50 };
      expect([await journal.prune(order), await journal.prune(order), await journal.prune(order)]).toEqual([
        50, 50, 19,
      ]);
      expect(await journal.prune(order)).toBe(0);
      // PostgreSQL gives space back by itself.
      const before = await journal.compact(1);
      expect(before > 2).toBe(kind === "SQLite");
      expect(await journal.compact(100_000)).toBe(0);
    });

    it("gives no number of a verdict or a confirmation out twice: by them prices are in order, and people name what is held", async () => {
      await play(0, "final", 0);
      await play(1, "rejected", 0);
      await play(2, "final", 0);
      const newest = (await journal.task(taskAt(2)))?.verdicts.at(-1)?.id ?? 0;
      expect(await pruneAt(0, day)).toBe(0);
      expect(await pruneAt(9 * day, day)).toBe(2);
      await play(3, "closed", 9 * day);
      expect((await journal.task(taskAt(3)))?.verdicts[0]?.id).toBeGreaterThan(newest);
      expect(await pruneAt(9 * day, day)).toBe(0);
      // The journal's newest verdict stays, in the other database as in this one.
      expect(await pruneAt(99 * day, day)).toBe(0);
      await play(4, "open", 99 * day);
      expect(await pruneAt(99 * day, day)).toBe(1);
    });

    it("goes on where an older version gave a verdict's number out twice", async () => {
      await play(0, "final", 0);
      await play(1, "final", 0);
      await pruneAt(0, day);
      expect(await pruneAt(9 * day, day)).toBe(1);
      // As where the numbers had begun anew behind what was pruned.
      await place.tamper("UPDATE pruned_prices SET verdict_id = (SELECT max(id) FROM verdicts)");
      await play(2, "final", 9 * day);
      expect(await pruneAt(99 * day, day)).toBe(1);
    });

    it("starts the time anew for a task that a reorg opened again", async () => {
      await play(0, "closed", 0);
      await play(1, "open", 0);
      await journal.noteSettled(0);
      await journal.settleTask(taskAt(0), "closed", "over", 50n);
      await journal.intake({ tasks: [], responses: [], touched: [], rewindTo: 40n });
      expect(await pruneAt(10 * day, day)).toBe(0);
      await journal.settleTask(taskAt(0), "closed", "over", 60n);
      expect(await pruneAt(11 * day, day)).toBe(0);
      expect(await pruneAt(13 * day, day)).toBe(1);
    });
  });

  describe("figures and digest", () => {
    it("sum up what was paid, saved, refused and lost", async () => {
      for (const [number, end] of ends.entries()) await play(number, end, 1_000);
      await play(50, "final", 5_000);
      expect(await journal.figures()).toEqual({
        openTasks: 1 + ["dead", "mined", "broadcast", "signed", "intended"].length,
        inFlight: 3,
        held: 0,
      });
      expect(await journal.paid(0)).toBe(10n ** 18n * (1n + 6n + 7n + 8n + 51n));
      expect(await journal.digest(0, 2_000)).toMatchObject({
        confirmations: 4,
        paid: 10n ** 18n * (1n + 6n + 7n + 8n),
        saved: 4n * 10n ** 18n,
        gas: 70n,
        superseded: 1,
        failed: 1,
        dead: 1,
      });
      expect(await journal.digest(2_000, 9_000)).toMatchObject({ confirmations: 1, paid: 51n * 10n ** 18n, dead: 0 });
    });
  });
});

/** One task with a response. */
const fill = (journal: Journal, number: number) =>
  journal.intake({
    tasks: [{ task: taskAt(number), source }],
    responses: [{ response: hex<ResponseAddress>(3, number), task: taskAt(number) }],
    touched: [],
  });

describe("a file", () => {
  let directory: string;
  let path: string;
  let journal: Journal;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "upkeep-"));
    path = join(directory, "journal.sqlite");
    journal = openSqliteJournal({ path, chainId: 1071 });
  });
  afterEach(async () => {
    await journal.close().catch(() => undefined);
    rmSync(directory, { recursive: true });
  });

  describe("a backup", () => {
    it("is whole although the journal was written to meanwhile, and opens as a journal", async () => {
      for (let number = 0; number < 60; number++) await fill(journal, number);
      const copy = join(directory, "copy.sqlite");
      const copying = journal.backup(copy);
      for (let number = 60; number < 80; number++) await fill(journal, number);
      await copying;
      const database = new DatabaseSync(copy, { readOnly: true });
      expect(database.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
      expect(database.prepare("PRAGMA foreign_key_check").all()).toEqual([]);
      database.close();
      const restored = openSqliteJournal({ path: copy, chainId: 1071 });
      expect((await restored.task(taskAt(59)))?.responses).toHaveLength(1);
      await restored.close();
    });
  });

  describe("opening", () => {
    it("calls a lock that another program holds a passing trouble", async () => {
      await journal.close();
      const other = new DatabaseSync(path);
      other.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
      let failure: unknown;
      try {
        openSqliteJournal({ path, chainId: 1071 });
      } catch (error) {
        failure = error;
      }
      other.close();
      expect(failure).toBeInstanceOf(RetryableError);
      expect(failure).toMatchObject({ code: "JOURNAL_UNAVAILABLE" });
    });
  });
});
