import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Journal } from "../../src/journal/journal.ts";
import { openSqliteJournal } from "../../src/journal/sqliteJournal.ts";
import type { TaskAddress } from "../../src/protocol/brand.ts";
import { createUntoldFinds } from "../../src/untoldFinds.ts";
import { address, hashOf, response, source, task } from "../support/fakeChain.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";

let directory: string;
let journal: Journal;
beforeEach(() => {
  directory = temporaryFolder("untold-");
  journal = openSqliteJournal({ path: join(directory, "journal.sqlite"), chainId: 1071 });
});
afterEach(() => journal.close());

/** @param setIn The block in which the client of `source` made a signer its agent. */
const openFinds = (over: Partial<Journal> = {}, setIn = 0n) =>
  createUntoldFinds({
    journal: { ...journal, ...over },
    watch: { agentSetAfter: (of, block) => of === source && block < setIn },
  });

const found = { tasks: [{ task, source }], responses: [{ response, task }] };
const sweepStores = () => journal.intake({ ...found, touched: [] });
const scannerStores = (what: { task?: boolean; response?: boolean }) => {
  const cursor = { number: 9n, hash: hashOf(9) };
  return journal.intake({
    tasks: what.task ? [{ task, source, block: 7n }] : [],
    responses: what.response ? [{ response, task, block: 8n }] : [],
    touched: [],
    cursor,
  });
};

/** A sweep finds both; the scanner then tells of some, and passes the head that the sweep saw. */
const afterwards = async (told: { task?: boolean; response?: boolean }, scanned = 73n, isFirstRound = false) => {
  const finds = openFinds();
  if (!isFirstRound) finds.endRound(6n);
  await finds.note(found);
  await sweepStores();
  finds.endRound(9n);
  await scannerStores(told);
  return [await finds.count(scanned), await finds.count(scanned)];
};
const nothing = { tasks: 0, responses: 0 };

describe("what a sweep found before its log", () => {
  it.each([
    ["is no defect when the log came", { task: true, response: true }, nothing],
    ["is one when the task's log never came", { response: true }, { tasks: 1, responses: 0 }],
    ["is one when the response's log never came", { task: true }, { tasks: 0, responses: 1 }],
    ["is the task's defect alone when no log of either came", {}, { tasks: 1, responses: 0 }],
  ])("%s, and it is counted once", async (_, told, expected) => {
    expect(await afterwards(told)).toEqual([expected, nothing]);
  });

  it("is not counted before the scanner has passed any head at which it can have been found", async () => {
    expect(await afterwards({}, 72n)).toEqual([nothing, nothing]);
  });

  it.each([10n, 63n, 64n, 300n])("is counted once where a round takes %s blocks", async (perRound) => {
    const finds = openFinds();
    const counts: { round: number; tasks: number; responses: number }[] = [];
    let head = 1_000n;
    finds.endRound(head);
    for (let round = 1; round <= 40; round++) {
      head += perRound;
      const late = await finds.count(head);
      if (late.tasks + late.responses > 0) counts.push({ round, ...late });
      // Two rounds after each other find something: the second must not keep the first from being told.
      const more = round === 2 ? found.tasks : round === 3 ? [{ task: address<TaskAddress>(77), source }] : [];
      await finds.note({ tasks: more, responses: [] });
      await journal.intake({ tasks: more, responses: [], touched: [] });
      finds.endRound(head);
    }
    expect(counts.map(({ tasks, responses }) => [tasks, responses])).toEqual([
      [1, 0],
      [1, 0],
    ]);
  });

  it("is not counted with those of the round before, whose wait ends earlier", async () => {
    const finds = openFinds();
    finds.endRound(6n);
    await finds.note({ tasks: found.tasks, responses: [] });
    await journal.intake({ tasks: found.tasks, responses: [], touched: [] });
    finds.endRound(9n);
    const late = { tasks: [{ task: address<TaskAddress>(77), source }], responses: [] };
    await finds.note(late);
    await journal.intake({ ...late, touched: [] });
    finds.endRound(50n);
    expect(await finds.count(73n)).toEqual({ tasks: 1, responses: 0 });
    finds.endRound(73n);
    expect(await finds.count(136n)).toEqual(nothing);
    expect(await finds.count(137n)).toEqual({ tasks: 1, responses: 0 });
  });

  it("is none in the first round: it may have been there all along", async () => {
    expect(await afterwards({}, 73n, true)).toEqual([nothing, nothing]);
  });

  it.each([
    ["is one where a response alone was found, of a task that a log has told of", false, { tasks: 0, responses: 1 }],
    ["is none where the journal had that response before, as a look takes it in", true, nothing],
  ])("%s", async (_, isKnown, expected) => {
    const finds = openFinds();
    finds.endRound(6n);
    await scannerStores({ task: true });
    const alone = { tasks: [], responses: found.responses };
    if (isKnown) await journal.intake({ ...alone, touched: [] });
    await finds.note(alone);
    await journal.intake({ ...alone, touched: [] });
    finds.endRound(9n);
    expect(await finds.count(73n)).toEqual(expected);
  });

  it.each([
    ["is none", 51n, nothing],
    ["is one", 50n, { tasks: 1, responses: 1 }],
  ])(
    "%s where the client authorised the signer in %s, and the round before had begun at 50: it was foreign until then",
    async (_, setIn, expected) => {
      const finds = openFinds({}, setIn);
      await finds.count(20n);
      finds.endRound(21n);
      await finds.count(50n);
      finds.endRound(51n);
      const [told, untold] = [address<TaskAddress>(77), address<TaskAddress>(78)];
      const late = { tasks: [{ task: untold, source }], responses: [{ response, task: told }] };
      await finds.count(60n);
      await journal.intake({ tasks: [{ task: told, source, block: 30n }], responses: [], touched: [] });
      await finds.note(late);
      await journal.intake({ ...late, touched: [] });
      finds.endRound(61n);
      expect(await finds.count(125n)).toEqual(expected);
    },
  );

  it("is none either where a round that failed had begun since the client authorised the signer", async () => {
    const finds = openFinds({}, 51n);
    await finds.count(50n);
    finds.endRound(50n);
    for (const begun of [55n, 60n]) await finds.count(begun);
    await finds.note(found);
    await sweepStores();
    finds.endRound(61n);
    expect(await finds.count(125n)).toEqual(nothing);
  });

  it("is nothing new when the journal had it", async () => {
    await sweepStores();
    expect(await afterwards({})).toEqual([nothing, nothing]);
  });
});

it("what is found before its log is counted up to a number that is bad enough, and no more is kept in mind", async () => {
  const all = Array.from({ length: 10_500 }, (_, index) => ({ task: address<TaskAddress>(index + 1), source }));
  const finds = openFinds({
    ...{ knownTasks: async () => new Map() as never, tasksOfResponses: async () => new Map() },
    untold: async ({ tasks, responses }) => ({ tasks: tasks.length, responses: responses.length }),
  });
  finds.endRound(6n);
  await finds.note({ tasks: all, responses: [] });
  finds.endRound(9n);
  expect(await finds.count(73n)).toEqual({ tasks: 10_000, responses: 0 });
});

it("what is found before its log is counted at the next try, where the journal failed at the last one", async () => {
  let isDown = true;
  const finds = openFinds({
    ...{ knownTasks: async () => new Map() as never, tasksOfResponses: async () => new Map() },
    untold: async ({ tasks, responses }) => {
      if (isDown) throw new Error("the disk is full");
      return { tasks: tasks.length, responses: responses.length };
    },
  });
  finds.endRound(6n);
  await finds.note(found);
  finds.endRound(9n);
  await expect(finds.count(73n)).rejects.toThrow("full");
  isDown = false;
  expect(await finds.count(73n)).toEqual({ tasks: 1, responses: 1 });
});
