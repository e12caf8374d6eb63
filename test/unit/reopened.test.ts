import { Subject, type Subscription } from "rxjs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Head, Snapshot } from "../../src/chain/chainPort.ts";
import type { createTaskTerms, TaskTerms } from "../../src/chain/taskTerms.ts";
import { RetryableError } from "../../src/errors.ts";
import type { Journal } from "../../src/journal/journal.ts";
import { judgeTask } from "../../src/judgeTask.ts";
import { notRead } from "../../src/payload/notRead.ts";
import { type SourceAddress, type TaskAddress, unixSeconds, wei } from "../../src/protocol/brand.ts";
import { DeliveryMethod, TaskStatus } from "../../src/protocol/statuses.ts";
import { reopened$ } from "../../src/reopened.ts";
import type { Report } from "../../src/report.ts";
import {
  address,
  aSnapshot,
  aTask,
  byTwo,
  fakeChain,
  hashOf,
  headAt,
  response,
  source,
  task,
} from "../support/fakeChain.ts";
import { type JournalPlace, sqlitePlace } from "../support/journals.ts";
import { createVirtualTime, type VirtualTime } from "../support/virtualTime.ts";
import { policyOf } from "./policy/support.ts";

let place: JournalPlace;
let journal: Journal;
let time: VirtualTime;
/** By which the machine's clock is ahead. */
let aheadMs: number;
let heads: Subject<Head>;
let reports: Report[];
let opened: TaskAddress[];
let watching: Subscription;
/** What each of the endpoints was asked for, and the block. */
let asked: [tasks: number, block: bigint][];

beforeEach(async () => {
  place = sqlitePlace();
  journal = await place.open();
  time = createVirtualTime();
  aheadMs = 0;
  [reports, opened, asked] = [[], [], []];
  await journal.intake({ tasks: [{ task, source }], responses: [{ response, task }], touched: [] });
});
afterEach(async () => {
  watching.unsubscribe();
  await journal.close();
  await place.remove();
});

type TermsReader = ReturnType<typeof createTaskTerms>;
type Endpoint = Partial<TaskTerms> & {
  readonly time?: number;
  readonly fails?: boolean;
  readonly lacks?: boolean;
  /** The newest block that it has. */
  readonly newest?: () => bigint;
  /** The oldest block whose state it has. */
  readonly oldest?: bigint;
  /** What it says of one task otherwise than of the others. */
  readonly of?: (task: TaskAddress) => Partial<TaskTerms>;
};

const answerOf =
  ({
    time: timestamp = 1_000,
    fails = false,
    lacks = false,
    newest,
    oldest = 0n,
    of,
    ...terms
  }: Endpoint): TermsReader =>
  async (tasks, block) => {
    asked.push([tasks.length, block]);
    if (fails) throw new RetryableError("the endpoint is down", { code: "ENDPOINT_UNAVAILABLE" });
    if ((newest && block > newest()) || block < oldest) throw new RetryableError("behind", { code: "NODE_BEHIND" });
    const all = tasks.map((each) => (lacks ? undefined : { ...aTask(), ...terms, ...of?.(each) }));
    return { block: headAt(block, { timestamp: unixSeconds(timestamp) }), terms: all };
  };

/** Sources whose clients have no agent just now. */
let dismissedBy: SourceAddress | undefined;
const isWatched = async (each: SourceAddress) => {
  if (each === dismissedBy) return false;
  if (each === address(0xbad)) throw new RetryableError("there is no such source", { code: "NODE_BEHIND" });
  return each === source;
};

/** Two endpoints, as they are from now on. */
const watch = (one: Endpoint, other: Endpoint = one) => {
  watching?.unsubscribe();
  heads = new Subject();
  const chain = fakeChain({ head$: heads, termsByTwo: byTwo(answerOf(one), answerOf(other)) });
  const report = (each: Report) => void reports.push(each);
  const clock = { ...time.clock, now: () => time.clock.now() + aheadMs };
  const deps = { chain, journal, watch: { isWatched }, clock, report };
  watching = reopened$(deps).subscribe((each) => opened.push(each));
};
/** Three blocks on top of one make it final. */
const headComes = async (number: bigint) => {
  heads.next(headAt(number));
  await time.pass(6_000);
};

/** The daemon's look at the task, as a node shows it. */
const look = (snapshot: Snapshot = aSnapshot()) => {
  const policy = policyOf("true", "mode: enforce\n");
  return judgeTask(
    {
      chain: fakeChain({ snapshot: async () => snapshot }),
      journal,
      isWatched,
      payload: { fetch: async () => ({ ...notRead, valid: true, json: { function_name: "f" } }) },
      policies: { policies: [policy], select: () => policy },
      clock: { now: () => 7, scheduler: undefined as never },
      report: (each) => void reports.push(each),
    },
    { maxPayment: wei(1_000n), dryRun: false },
    task,
  );
};
const stateOf = async () => (await journal.task(task))?.state;
const canceled = aSnapshot({ task: aTask({ status: TaskStatus.CANCELED }) });

describe("a task that a node showed as over", () => {
  it.each<[string, Snapshot]>([
    ["its status", canceled],
    ["the time", aSnapshot({ block: headAt(100n, { timestamp: unixSeconds(2 ** 33) }) })],
    ["its expiry", aSnapshot({ task: aTask({ expiryTime: unixSeconds(1) }) })],
    ["its delivery", aSnapshot({ task: aTask({ deliveryMethod: DeliveryMethod.FIRST_RESPONSE }) })],
    ["its source", aSnapshot({ task: aTask({ source: address(0x99) }) })],
    ["a block that there is not", aSnapshot({ block: headAt(2n ** 40n, { timestamp: unixSeconds(2 ** 33) }) })],
  ])("is judged again, and to be paid, when a final block shows it open: %s was a lie", async (_, lie) => {
    expect(await look(lie)).toEqual({});
    expect(await look()).toEqual({});
    watch({});
    await headComes(103n);
    expect(opened).toEqual([task]);
    expect(reports).toContainEqual({ type: "reopened", task, block: 100n });
    expect((await look()).intent).toMatchObject({ task, response, state: "intended" });
  });

  it("is judged again although its client has no agent just then: it may name one again", async () => {
    await look(canceled);
    dismissedBy = source;
    watch({});
    await headComes(103n);
    dismissedBy = undefined;
    expect([opened, await stateOf()]).toEqual([[task], "open"]);
  });

  it("is judged again although an endpoint lies on: the other one is believed", async () => {
    for (const [one, other] of [
      [{ status: TaskStatus.CANCELED }, {}],
      [{}, { time: 2 ** 33 }],
      [{ fails: true }, {}],
      [{}, { lacks: true }],
    ] as const) {
      await look(canceled);
      watch(one, other);
      await headComes(103n);
      expect(await stateOf()).toBe("open");
    }
    expect(opened).toHaveLength(4);
  });

  it("is not asked for by a head far below what the scanner has read, and is by one that only lags", async () => {
    await look(canceled);
    await journal.intake({ tasks: [], responses: [], touched: [], cursor: { number: 500n, hash: hashOf(500) } });
    watch({});
    await headComes(243n);
    expect([asked, opened]).toEqual([[], []]);
    expect(reports.at(-1)).toMatchObject({ type: "retry", what: "settled tasks", error: { code: "NODE_BEHIND" } });
    await headComes(244n);
    expect(opened).toEqual([task]);
  });

  it("is over for good by two endpoints of which one hangs behind the final block for ever: in a lower one", async () => {
    await look(canceled);
    watch({ status: TaskStatus.CANCELED }, { status: TaskStatus.CANCELED, newest: () => 110n });
    await headComes(133n);
    await headComes(134n);
    await headComes(135n);
    expect([asked[0], asked.at(-1)]).toEqual([
      [1, 130n],
      [1, 101n],
    ]);
    const before = asked.length;
    await headComes(136n);
    expect([asked.length, opened]).toEqual([before, []]);
  });

  it("is looked at in the final block again, after a while, once an endpoint that hung behind has caught up", async () => {
    let newest = 120n;
    watch({ lacks: true }, { lacks: true, newest: () => newest });
    await look(canceled);
    for (const head of [133n, 134n, 136n]) await headComes(head);
    expect(asked.at(-1)).toEqual([1, 102n]);
    newest = 200n;
    for (let pass = 0; pass < 40; pass++) await headComes(136n);
    expect(asked.at(-1)).toEqual([1, 133n]);
  });

  it("is looked at in the final block again where an endpoint that had lacked that has dropped the state of lower ones", async () => {
    let newest = 129n;
    const over = { status: TaskStatus.CANCELED };
    watch(over, { ...over, newest: () => newest, oldest: 120n });
    await look(canceled);
    await headComes(133n);
    newest = 200n;
    for (let number = 134n; number < 150n; number++) await headComes(number);
    expect(asked.at(-1)?.[1]).toBeGreaterThan(120n);
    const before = asked.length;
    for (let number = 150n; number < 160n; number++) await headComes(number);
    expect([asked.length, opened]).toEqual([before, []]);
  });

  it.each<[string, Endpoint, Endpoint]>([
    ["is down", { status: TaskStatus.CANCELED }, { fails: true }],
    [
      "names a source that nobody can tell of",
      { status: TaskStatus.CANCELED },
      { source: address<SourceAddress>(0xbad) },
    ],
    ["does not have the task", { lacks: true }, { status: TaskStatus.CANCELED }],
  ])("stays closed for the time being where one endpoint says so and the other one %s", async (_, one, other) => {
    await look(canceled);
    watch(one, other);
    await headComes(103n);
    expect(await stateOf()).toBe("closed");
    watch({});
    await headComes(104n);
    expect(opened).toEqual([task]);
  });

  it.each<[string, Snapshot]>([
    ["closed", canceled],
    ["ignored", aSnapshot({ task: aTask({ source: address(0x99) }) })],
  ])("is left %s until its block is final, and asked for after a restart, too", async (state, lie) => {
    await look(lie);
    watch({});
    await headComes(102n);
    expect([asked, await stateOf()]).toEqual([[], state]);
    await journal.close();
    journal = await place.open();
    watch({});
    await headComes(103n);
    expect(opened).toEqual([task]);
  });

  it.each<[string, Snapshot, Endpoint]>([
    ["its status says so", canceled, { status: TaskStatus.FINALIZED }],
    [
      "its time is over",
      aSnapshot({ task: aTask({ expiryTime: unixSeconds(1) }) }),
      { expiryTime: unixSeconds(1_000) },
    ],
    [
      "it is somebody else's",
      aSnapshot({ task: aTask({ source: address(0x99) }) }),
      { source: address<SourceAddress>(0x99) },
    ],
    [
      "the chain pays it itself",
      aSnapshot({ task: aTask({ deliveryMethod: DeliveryMethod.FIRST_RESPONSE }) }),
      { deliveryMethod: DeliveryMethod.FIRST_RESPONSE },
    ],
  ])(
    "stays as it is, and is not asked for again, when two endpoints show so in a final block: %s",
    async (_, seen, terms) => {
      await look(seen);
      const settled = await stateOf();
      watch(terms);
      await headComes(103n);
      await headComes(110n);
      expect(asked).toEqual([
        [1, 100n],
        [1, 100n],
      ]);
      expect([opened, await stateOf()]).toEqual([[], settled]);
    },
  );

  it.each([
    ["left as it is where a node that is ahead had shown so", 359n, "closed"],
    ["asked for where no node can have got so far", 360n, "open"],
  ])("is %s", async (_, block, state) => {
    await look(aSnapshot({ block: headAt(block), task: aTask({ status: TaskStatus.CANCELED }) }));
    watch({});
    await headComes(103n);
    expect(await stateOf()).toBe(state);
  });

  it("is asked for as often as at first once an endpoint has answered again, and fails anew", async () => {
    await look(canceled);
    let isDown = true;
    watch({
      of: () => {
        if (isDown) throw new RetryableError("the endpoint is down", { code: "ENDPOINT_UNAVAILABLE" });
        return { source: address<SourceAddress>(0xbad) };
      },
    });
    for (const number of [103n, 104n]) await headComes(number);
    isDown = false;
    for (const number of [105n, 106n]) await headComes(number);
    isDown = true;
    await headComes(107n);
    expect(reports.flatMap((each) => (each.type === "retry" ? [each.inMs] : []))).toEqual([5_000, 10_000, 5_000]);
  });

  it("is opened though it stands beside another one whose source nobody can tell of", async () => {
    const beside = address<TaskAddress>(0x1b);
    await journal.intake({ tasks: [{ task: beside, source }], responses: [], touched: [] });
    await journal.settleTask(beside, "closed", "CANCELED", 100n);
    await look(canceled);
    watch({ of: (each) => (each === beside ? { source: address<SourceAddress>(0xbad) } : {}) });
    await headComes(103n);
    expect(opened).toEqual([task]);
    expect(reports.filter(({ type }) => type === "retry")).toEqual([]);
  });

  it("says why when no endpoint answers, and asks again", async () => {
    await look(canceled);
    watch({ fails: true });
    await headComes(103n);
    expect(reports).toContainEqual(expect.objectContaining({ type: "retry", what: "settled tasks" }));
    await headComes(104n);
    expect(asked).toHaveLength(4);
  });

  it("is asked for again as soon as ever where the clock is set back meanwhile", async () => {
    await look(canceled);
    aheadMs = 3_600_000;
    watch({ fails: true });
    await headComes(103n);
    aheadMs = 0;
    await headComes(104n);
    expect(asked).toHaveLength(4);
  });
});

describe("a pass over settled tasks", () => {
  const many = Array.from({ length: 1_100 }, (_, index) => address<TaskAddress>(0x10000 + index));
  beforeEach(async () => {
    await journal.intake({ tasks: many.map((each) => ({ task: each, source })), responses: [], touched: [] });
    await place.tamper(`UPDATE tasks SET state = 'closed', settled_block = 50 WHERE task <> '${task}'`);
  });

  it("ends at the first page that one endpoint cannot tell of, says so, and comes less and less often while that lasts", async () => {
    watch({ status: TaskStatus.CANCELED }, { fails: true });
    for (let number = 100n; number < 200n; number++) await headComes(number);
    const waits = [5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000];
    expect(reports).toEqual(
      waits.map((inMs) => expect.objectContaining({ type: "retry", what: "settled tasks", inMs })),
    );
    expect(asked.map(([tasks]) => tasks)).toHaveLength(2 * waits.length);
    watch({ status: TaskStatus.CANCELED });
    await headComes(200n);
    expect(asked).toHaveLength(2 * waits.length + 8);
  });

  it("reads a thousand at the most, a page in a request, and the next one goes on", async () => {
    watch({});
    await headComes(100n);
    expect(asked.filter((_, index) => index % 2 === 0).map(([tasks]) => tasks)).toEqual([250, 250, 250, 250]);
    await headComes(101n);
    expect(opened.toSorted()).toEqual(many);
    expect(asked).toHaveLength(10);
  });

  it("keeps none of them waiting for those that cannot be told", async () => {
    watch({ lacks: true });
    await headComes(100n);
    await headComes(101n);
    expect(asked.at(-1)).toEqual([100, 98n]);
    await headComes(102n);
    expect(asked.at(-1)).toEqual([250, 99n]);
  });

  it("asks nothing more often than every five seconds", async () => {
    watch({ lacks: true });
    for (const number of [100n, 101n, 102n]) {
      heads.next(headAt(number));
      await time.pass(1_000);
    }
    expect(asked).toHaveLength(8);
  });
});
