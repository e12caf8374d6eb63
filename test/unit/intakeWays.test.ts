import { join } from "node:path";
import { lastValueFrom, of, Subject, toArray } from "rxjs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ChainPort, Head } from "../../src/chain/chainPort.ts";
import type { SweepStep } from "../../src/chain/sweep.ts";
import type { Facts, Watch } from "../../src/chain/watch.ts";
import { RetryableError } from "../../src/errors.ts";
import { createIntakes, type Intakes } from "../../src/intake.ts";
import type { Journal } from "../../src/journal/journal.ts";
import { openSqliteJournal } from "../../src/journal/sqliteJournal.ts";
import type { ChainEvent } from "../../src/protocol/events.ts";
import type { Report } from "../../src/report.ts";
import { emptyRange, fakeChain, hashOf, headAt, response, source, task } from "../support/fakeChain.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";
import { createVirtualTime, type VirtualTime } from "../support/virtualTime.ts";

let directory: string;
let journal: Journal;
let time: VirtualTime;
let reports: Report[];
beforeEach(() => {
  directory = temporaryFolder("ways-");
  journal = openSqliteJournal({ path: join(directory, "journal.sqlite"), chainId: 1071 });
  time = createVirtualTime();
  reports = [];
});
afterEach(() => journal.close());

const nothing: Facts = { tasks: [], responses: [], touched: [], stored: () => undefined };
type Stage = {
  readonly chain?: Partial<ChainPort>;
  readonly watch?: Partial<Watch>;
  readonly store?: Journal["intake"];
  readonly round?: () => AsyncGenerator<SweepStep, void>;
  readonly onForget?: () => void;
};
const open = ({ chain, watch, store, round, onForget }: Stage): Intakes =>
  createIntakes(
    {
      chain: fakeChain({
        head: async () => headAt(100n),
        block: async (number) => headAt(number),
        finalBlock: async ({ number }) => number,
        events: emptyRange,
        lookAhead: () => undefined,
        ...chain,
      }),
      journal: store ? { ...journal, intake: store } : journal,
      watch: {
        resolve: async () => nothing,
        forget: () => undefined,
        rewound: () => undefined,
        agentSetAfter: () => false,
        isAlwaysWatched: () => false,
        isWatched: async () => true,
        ...watch,
      },
      sweep: { round: round ?? async function* () {}, forget: onForget ?? (() => undefined) },
      clock: time.clock,
      report: (report) => void reports.push(report),
    },
    { startBlock: "head", maxBlockRange: 100, rewind: 64, auditEveryMs: 60_000 },
  );
const run = (intakes: Intakes, way: "scan" | "audit" | "reconcile") =>
  lastValueFrom(of(headAt(100n)).pipe(intakes[way], toArray()));
const told = (type: Report["type"]) => reports.filter((report) => report.type === type);

it("tells the watch that an event is stored once it is, and not where the journal failed", async () => {
  const order: string[] = [];
  let failures = 1;
  const store: Journal["intake"] = async (batch) => {
    if (failures-- > 0) {
      order.push("failed");
      throw new RetryableError("the disk is full", { code: "JOURNAL_BUSY" });
    }
    const looks = await journal.intake(batch);
    order.push("journalled");
    return looks;
  };
  const resolve: Watch["resolve"] = async () => ({ ...nothing, stored: () => void order.push("told") });
  const { live } = open({ store, watch: { resolve } });
  const done = lastValueFrom(of([]).pipe(live, toArray()));
  await time.pass(1_000);
  await done;
  expect(order).toEqual(["failed", "journalled", "told"]);
});

it("sets a new journal's checkpoint once, though two ways in begin at the same time", async () => {
  const heads = [100n, 105n];
  const asked: [bigint, bigint][] = [];
  const intakes = open({
    chain: {
      head: async () => headAt(heads.shift() ?? 105n),
      events: async (from, to) => {
        asked.push([from, to]);
        return emptyRange(from, to);
      },
    },
  });
  await Promise.all([run(intakes, "reconcile"), run(intakes, "scan")]);
  expect(asked).toEqual([[101n, 105n]]);
});

describe("the second pass over what was scanned from 100 to 150", () => {
  const audited = async () => (await journal.audited())?.number;
  let head: bigint;
  let fork: (block: Head) => Head;
  let asked: [bigint, bigint][];
  let facts: Facts;
  let rewound: number;
  let authorisedIn: bigint;
  const elsewhere: { answer: ChainPort["eventsElsewhere"] } = { answer: async () => Promise.reject() };

  const stage = async (scanned = 150n) => {
    const block = (number: bigint) => fork(headAt(number));
    const intakes = open({
      chain: {
        head: async () => block(head),
        block: async (number) => block(number),
        events: async (from, to) => emptyRange(from, to, block),
        eventsElsewhere: async (from, to) => {
          asked.push([from, to]);
          return elsewhere.answer(from, to);
        },
      },
      watch: {
        resolve: async () => facts,
        agentSetAfter: (_, block) => block < authorisedIn,
        rewound: () => {
          rewound += 1;
        },
      },
    });
    await run(intakes, "scan");
    head = scanned;
    await run(intakes, "scan");
    return intakes;
  };
  beforeEach(() => {
    head = 100n;
    fork = (block) => block;
    asked = [];
    facts = nothing;
    rewound = 0;
    authorisedIn = 0n;
    elsewhere.answer = emptyRange;
  });

  it("complains of what no other way in has told of, and of nothing else", async () => {
    const intakes = await stage();
    facts = { ...nothing, tasks: [{ task, source, block: 120n }], responses: [{ response, task, block: 121n }] };
    expect(await run(intakes, "audit")).toEqual([task]);
    expect(told("missed")).toEqual([{ type: "missed", via: "audit", tasks: 1, responses: 1 }]);
    expect(told("disagree")).toEqual([]);
    expect(await audited()).toBe(150n);
    head = 160n;
    await run(intakes, "scan");
    await run(intakes, "audit");
    expect(told("missed")).toHaveLength(1);
  });

  it.each([
    [125n, 0],
    [120n, 1],
  ])(
    "stores what was published in 120, also where the client authorised the agent in %s: complaints then: %s",
    async (set, complaints) => {
      const intakes = await stage();
      authorisedIn = set;
      facts = { ...nothing, tasks: [{ task, source, block: 120n }], responses: [{ response, task, block: 121n }] };
      expect(await run(intakes, "audit")).toEqual([task]);
      expect(told("missed")).toHaveLength(complaints);
      expect((await journal.task(task))?.responses).toEqual([response]);
    },
  );

  it("does not complain of a task that only an early response tells of, either", async () => {
    const intakes = await stage();
    authorisedIn = 125n;
    facts = { ...nothing, tasks: [{ task, source }], responses: [{ response, task, block: 121n }] };
    expect(await run(intakes, "audit")).toEqual([task]);
    expect(told("missed")).toEqual([]);
  });

  it.each([
    [125n, []],
    [0n, [{ type: "missed", via: "audit", tasks: 1, responses: 1 }]],
  ])(
    "complains of what was scanned before it began once it has read all of that: the client may have authorised the agent in it (here: %s)",
    async (set, complaints) => {
      const intakes = await stage();
      head = 122n;
      facts = { ...nothing, tasks: [{ task, source, block: 120n }], responses: [{ response, task, block: 121n }] };
      expect(await run(intakes, "audit")).toEqual([task]);
      expect([await audited(), told("missed")]).toEqual([122n, []]);
      [authorisedIn, head] = [set, 150n];
      await run(intakes, "audit");
      expect(told("missed")).toEqual(complaints);
    },
  );

  it.each([
    [155n, []],
    [0n, [{ type: "missed", via: "audit", tasks: 1, responses: 1 }]],
  ])(
    "complains of what it found once the scanner has come to the head of then: the client may have authorised the agent up to there (here: %s)",
    async (set, complaints) => {
      const intakes = await stage();
      head = 160n;
      facts = { ...nothing, tasks: [{ task, source, block: 120n }], responses: [{ response, task, block: 121n }] };
      await run(intakes, "audit");
      expect([await audited(), told("missed")]).toEqual([150n, []]);
      authorisedIn = set;
      await journal.intake({ ...nothing, cursor: { number: 160n, hash: hashOf(160) } });
      await run(intakes, "audit");
      expect([await audited(), told("missed")]).toEqual([160n, complaints]);
    },
  );

  it("does not complain of an early response either whose task it had read in an earlier stretch", async () => {
    const intakes = await stage();
    head = 120n;
    facts = { ...nothing, tasks: [{ task, source, block: 120n }] };
    await run(intakes, "audit");
    [authorisedIn, head] = [125n, 150n];
    facts = { ...nothing, responses: [{ response, task, block: 121n }] };
    await run(intakes, "audit");
    expect(told("missed")).toEqual([]);
    expect((await journal.task(task))?.responses).toEqual([response]);
  });

  it("looks at nothing that was known, whatever happened to it: the first pass did", async () => {
    const intakes = await stage();
    await journal.intake({ tasks: [{ task, source }], responses: [], touched: [] });
    facts = { ...nothing, touched: [task] };
    expect(await run(intakes, "audit")).toEqual([]);
    expect(await audited()).toBe(150n);
  });

  it("does not go by an endpoint that has another block there, and says so", async () => {
    elsewhere.answer = async (from, to) => emptyRange(from, to, (number) => headAt(number, { hash: hashOf(7_777) }));
    await run(await stage(), "audit");
    expect(told("disagree")).toEqual([{ type: "disagree", block: 150n, hashes: [hashOf(150), hashOf(7_777)] }]);
    expect(await audited()).toBe(100n);
  });

  it("waits where the checkpoint's block is gone: what it finds, the scanner has still to read", async () => {
    const intakes = await stage();
    fork = (block) => (block.number === 150n ? { ...block, hash: hashOf(8_888) } : block);
    elsewhere.answer = async (from, to) => emptyRange(from, to, (number) => fork(headAt(number)));
    await run(intakes, "audit");
    expect([await audited(), told("missed"), told("disagree")]).toEqual([100n, [], []]);
  });

  it("goes no further than the scanner has come, however far the chain is", async () => {
    const intakes = await stage();
    head = 190n;
    await run(intakes, "audit");
    expect(asked).toEqual([[101n, 150n]]);
  });

  it("reads no more in one look than one request may ask for, however far the scanner is", async () => {
    await run(await stage(350n), "audit");
    expect([asked, await audited()]).toEqual([[[101n, 200n]], 200n]);
  });

  it("goes on after a reorg, of which the watch is told once it is journalled", async () => {
    const intakes = await stage();
    fork = (block) => (block.number > 140n ? { ...block, hash: hashOf(block.number + 10_000n) } : block);
    elsewhere.answer = async (from, to) => emptyRange(from, to, (number) => fork(headAt(number)));
    head = 160n;
    await run(intakes, "scan");
    expect([rewound, (await journal.cursor())?.hash]).toEqual([1, hashOf(10_160)]);
    await run(intakes, "audit");
    expect(await audited()).toBe(160n);
  });
});

it("tells how far the scanner has come, after each look", async () => {
  let head = 100n;
  const intakes = open({ chain: { head: async () => headAt(head) } });
  for (head of [100n, 150n, 420n]) await run(intakes, "scan");
  expect(told("scanned")).toEqual([100n, 150n, 420n].map((block) => ({ type: "scanned", block })));
});

it("takes what one read of the socket brought in together: a response comes with the change of its task", async () => {
  const batches: number[] = [];
  const resolve: Watch["resolve"] = async (events) => {
    batches.push(events.length);
    return nothing;
  };
  const events = new Subject<readonly ChainEvent[]>();
  const { live } = open({ watch: { resolve } });
  const done = lastValueFrom(events.pipe(live, toArray()));
  const at = { blockNumber: 100n, blockHash: hashOf(100), logIndex: 0 };
  events.next([{ type: "TaskStatusChanged", task, status: 2, at }]);
  events.next([{ type: "ResponseSubmitted", response, task, at: { ...at, logIndex: 1 } }]);
  events.complete();
  await done;
  expect(batches).toEqual([2]);
});

it("looks ahead at what the socket tells of, before it is stored", async () => {
  const order: unknown[] = [];
  await journal.intake({ tasks: [{ task, source }], responses: [], touched: [] });
  const store: Journal["intake"] = async (batch) => {
    order.push("stored");
    return journal.intake(batch);
  };
  const resolve: Watch["resolve"] = async () => {
    await time.pass(0);
    return nothing;
  };
  const { live } = open({ store, watch: { resolve }, chain: { lookAhead: (...look) => void order.push(look) } });
  const at = { blockNumber: 100n, blockHash: hashOf(100), logIndex: 0 };
  await lastValueFrom(of([{ type: "ResponseSubmitted" as const, response, task, at }]).pipe(live, toArray()));
  expect(order).toEqual([[task, source, [response]], "stored"]);
});

describe("the reconcile sweep", () => {
  const step: SweepStep = { tasks: [], responses: [], touched: [], isNews: false };

  it("begins at the beginning after a round that failed, and asks anew who is whose agent in each", async () => {
    let [failures, rounds, forgot, agents] = [1, 0, 0, 0];
    const round = async function* () {
      rounds += 1;
      if (failures-- > 0) throw new RetryableError("down", { code: "ENDPOINT_UNAVAILABLE" });
      yield step;
    };
    const intakes = open({ round, onForget: () => forgot++, watch: { forget: () => agents++ } });
    const done = run(intakes, "reconcile");
    await time.pass(1_000);
    await done;
    expect([rounds, forgot, agents]).toEqual([2, 1, 2]);
  });

  it("opens a task again that was ignored, for what it finds is the chain's state", async () => {
    await journal.intake({ tasks: [{ task, source }], responses: [], touched: [] });
    await journal.settleTask(task, "ignored", "its source is another one, which is not watched", 1n);
    const round = async function* () {
      yield { ...step, tasks: [{ task, source: hashOf(0x2b).slice(0, 42) as typeof source }] };
    };
    expect(await run(open({ round }), "reconcile")).toEqual([task]);
  });

  it.each([
    ["complains of a task that it found, and of no log told until the scanner was past it", true],
    ["complains of none that was there before it read its source's list for the first time", false],
  ])("%s", async (_, isNews) => {
    let head = 100n;
    const rounds: SweepStep[] = [step, { ...step, tasks: [{ task, source }], isNews }];
    const round = async function* () {
      yield rounds.shift() ?? step;
    };
    const intakes = open({ round, chain: { head: async () => headAt(head) } });
    for (const next of [100n, 100n, 100n, 200n, 300n]) {
      head = next;
      await run(intakes, "scan");
      await run(intakes, "reconcile");
    }
    expect(told("missed")).toEqual(isNews ? [{ type: "missed", via: "sweep", tasks: 1, responses: 0 }] : []);
  });
});
