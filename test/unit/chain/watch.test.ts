import { describe, expect, it } from "vitest";
import type { ChainPort } from "../../../src/chain/chainPort.ts";
import { createTaskIndex } from "../../../src/chain/taskIndex.ts";
import { createWatch, type WatchOptions } from "../../../src/chain/watch.ts";
import { RetryableError } from "../../../src/errors.ts";
import type { Journal } from "../../../src/journal/journal.ts";
import type { AccountAddress, ResponseAddress, SourceAddress, TaskAddress } from "../../../src/protocol/brand.ts";
import type { ChainEvent } from "../../../src/protocol/events.ts";
import { address, aSource, client, fakeChain, hashOf, response, source, task } from "../../support/fakeChain.ts";

const own = address<AccountAddress>(0x99);
const at = { blockNumber: 7n, blockHash: hashOf(7), logIndex: 0 };
const published: ChainEvent = { type: "TaskPublished", task, source, at };
const submitted: ChainEvent = { type: "ResponseSubmitted", response, task, at };

type Known = {
  readonly tasks?: readonly TaskAddress[];
  readonly responses?: ReadonlyMap<ResponseAddress, TaskAddress>;
};
const journalWith = ({ tasks = [], responses = new Map() }: Known = {}) =>
  ({
    knownTasks: async (asked: readonly TaskAddress[]) => new Set(asked.filter((each) => tasks.includes(each))),
    tasksOfResponses: async (asked: readonly ResponseAddress[]) =>
      new Map([...responses].filter(([each]) => asked.includes(each))),
  }) as unknown as Journal;

const watchOf = (chain: Partial<ChainPort>, options: Partial<WatchOptions> = {}, known?: Known) =>
  createWatch(
    { chain: fakeChain(chain), journal: journalWith(known), index: createTaskIndex() },
    { sources: new Set(), clients: new Set(), own: [own], ...options },
  );
const counted = <A extends readonly unknown[], R>(answer: (...args: A) => Promise<R>) => {
  const calls: A[] = [];
  return Object.assign(
    async (...args: A) => {
      calls.push(args);
      return answer(...args);
    },
    { calls },
  );
};
const watchedTask = { task, source };

describe("a source is watched", () => {
  const stranger = address<AccountAddress>(0x77);
  it.each<[boolean, string, Partial<WatchOptions>, AccountAddress, boolean]>([
    [true, "is configured", { sources: new Set([source]) }, stranger, false],
    [true, "is of a configured client", { clients: new Set([client]) }, client, false],
    [true, "is of a configured client, and there is no signer", { clients: new Set([client]), own: [] }, client, false],
    [true, "is the signer's own", {}, own, false],
    [true, "is of a client that made the signer its agent", {}, client, true],
    [false, "is of a client that did not", {}, client, false],
    [
      false,
      "is a stranger's, and only sources are configured",
      { own: [], sources: new Set([address<SourceAddress>(1)]) },
      stranger,
      true,
    ],
  ])("%s, when it %s", async (expected, _, options, owner, isAgent) => {
    const watch = watchOf(
      { source: async () => aSource({ client: owner }), hasAgentAmong: async () => isAgent },
      options,
    );
    expect(await watch.isWatched(source, 7n)).toBe(expected);
  });
});

it("a source is watched where its client made any of several signers its agent", async () => {
  const second = address<AccountAddress>(0x98);
  const hasAgentAmong = async (_: AccountAddress, signers: readonly AccountAddress[]) => signers.includes(second);
  const watch = watchOf({ source: async () => aSource(), hasAgentAmong }, { own: [own, second] });
  expect(await watch.isWatched(source, 7n)).toBe(true);
});

it("where sources alone are watched nobody is asked whose another one is, and its events are known for foreign", async () => {
  const index = createTaskIndex();
  const options = { sources: new Set([address<SourceAddress>(1)]), clients: new Set<never>(), own: [] };
  const watch = createWatch({ chain: fakeChain({}), journal: journalWith(), index }, options);
  for (const event of [published, submitted]) {
    expect(await watch.resolve([event])).toMatchObject({ tasks: [], responses: [] });
    expect(index.isForeignTask(task)).toBe(true);
  }
});

describe("what events say", () => {
  const asAgent = { source: async () => aSource(), hasAgentAmong: async () => true };

  it("adopts a task and its response from one batch, whatever the order of the logs", async () => {
    expect(await watchOf(asAgent).resolve([submitted, published])).toMatchObject({
      tasks: [watchedTask],
      responses: [{ response, task }],
      touched: [],
    });
  });

  it("adopts a task that only a response tells of", async () => {
    const found = await watchOf({ ...asAgent, sourceOfTask: async () => source }).resolve([submitted]);
    expect(found).toMatchObject({ tasks: [watchedTask], responses: [{ response, task }] });
  });

  it("tells in which blocks a task and a response were seen: a reorg takes back what was above it", async () => {
    const { tasks, responses } = await watchOf(asAgent).resolve([published, submitted]);
    expect(tasks).toEqual([{ ...watchedTask, block: 7n }]);
    expect(responses).toEqual([{ response, task, block: 7n }]);
  });

  it("asks the chain nothing about a task that the journal has", async () => {
    const { tasks, responses } = await watchOf({}, {}, { tasks: [task] }).resolve([submitted]);
    expect([tasks, responses]).toEqual([[], [{ response, task, block: 7n }]]);
  });

  it("touches nothing by a second copy of a log that is stored, and by one from after a reorg again", async () => {
    const watch = watchOf({}, {}, { tasks: [task] });
    const changed: ChainEvent = { type: "TaskStatusChanged", task, status: 1, at };
    const touched = async () => (await watch.resolve([changed])).touched;
    expect([await touched(), await touched()]).toEqual([[task], [task]]);
    (await watch.resolve([changed])).stored();
    expect(await touched()).toEqual([]);
    watch.rewound();
    expect(await touched()).toEqual([task]);
  });

  it.each<[string, ChainEvent, readonly TaskAddress[]]>([
    ["its task", { type: "TaskStatusChanged", task, status: 1, at }, [task]],
    ["another task", { type: "TaskStatusChanged", task: address<TaskAddress>(0xf0), status: 1, at }, []],
    ["its response", { type: "ResponseStatusChanged", response, status: 1, at }, [task]],
    ["another one", { type: "ResponseStatusChanged", response: address<ResponseAddress>(0xf1), status: 1, at }, []],
  ])("touches a journalled task alone: by a change of %s", async (_, changed, touched) => {
    const known = { tasks: [task], responses: new Map([[response, task]]) };
    expect(await watchOf({}, {}, known).resolve([changed])).toMatchObject({ tasks: [], responses: [], touched });
  });

  it("asks the chain about a foreign task once, however many responses it gets", async () => {
    const sourceOfTask = counted(async () => source);
    const hasAgentAmong = counted(async () => false);
    const readSource = counted(async () => aSource());
    const watch = watchOf({ sourceOfTask, hasAgentAmong, source: readSource });
    for (let count = 0; count < 5; count++) {
      expect(await watch.resolve([submitted])).toMatchObject({ tasks: [], responses: [] });
    }
    expect([sourceOfTask, hasAgentAmong, readSource].map(({ calls }) => calls.length)).toEqual([1, 1, 1]);
  });

  it("asks nothing about the response of a task that was seen to be foreign when it was published", async () => {
    const watch = watchOf({ source: async () => aSource(), hasAgentAmong: async () => false });
    await watch.resolve([published]);
    expect(await watch.resolve([submitted])).toMatchObject({ tasks: [], responses: [] });
  });
});

describe("an agent that is authorised later", () => {
  it("is seen after the next forgetting, for tasks too that were foreign before; and nothing else is asked again", async () => {
    let authorised = false;
    const readSource = counted(async () => aSource());
    const watch = watchOf({ source: readSource, hasAgentAmong: async () => authorised });
    expect(await watch.resolve([published])).toMatchObject({ tasks: [] });
    authorised = true;
    expect(await watch.resolve([submitted])).toMatchObject({ tasks: [] });
    watch.forget();
    expect(await watch.resolve([submitted])).toMatchObject({ tasks: [watchedTask], responses: [{ response, task }] });
    expect(readSource.calls).toHaveLength(1);
  });

  it("is seen also where the answer from before the forgetting comes after it", async () => {
    let answer = (_isAgent: boolean): void => undefined;
    const early = new Promise<boolean>((resolve) => {
      answer = resolve;
    });
    const answers = [early, Promise.resolve(true)];
    const hasAgentAmong = counted(() => answers.shift() ?? Promise.resolve(true));
    const watch = watchOf({ source: async () => aSource(), hasAgentAmong });
    const before = watch.resolve([published]);
    while (hasAgentAmong.calls.length === 0) await Promise.resolve();
    watch.forget();
    answer(false);
    expect(await before).toMatchObject({ tasks: [] });
    expect(await watch.resolve([submitted])).toMatchObject({ tasks: [watchedTask], responses: [{ response, task }] });
  });

  /** A chain on which nobody has an agent until the client is said to have one. */
  const laterOn = () => {
    const authorised = new Set<AccountAddress>();
    const hasAgentAmong = counted(async (asked: AccountAddress, _: readonly AccountAddress[], __: bigint) =>
      authorised.has(asked),
    );
    const readSource = async (of: SourceAddress) => aSource({ client: of === source ? client : foreigner });
    return { authorised, hasAgentAmong, watch: watchOf({ source: readSource, hasAgentAmong }) };
  };
  const foreigner = address<AccountAddress>(0x77);
  const theirs = address<SourceAddress>(0x78);
  const publishedIn = (blockNumber: bigint, changes: { readonly source?: SourceAddress } = {}): ChainEvent => ({
    ...{ type: "TaskPublished", task, source },
    ...{ ...changes, at: { ...at, blockNumber } },
  });
  const setIn = (blockNumber: bigint, agent: AccountAddress = own): ChainEvent => ({
    ...{ type: "AgentSet", account: client, agent },
    at: { ...at, blockNumber, logIndex: 1 },
  });

  it.each<[string, readonly (readonly ChainEvent[])[]]>([
    ["in an earlier block", [[setIn(8n)], [publishedIn(9n)]]],
    ["in the same batch", [[setIn(8n), publishedIn(9n)]]],
    ["in the same block, told of after the task", [[publishedIn(8n), setIn(8n)]]],
  ])("is seen at once when a log tells of it %s, and no other client is asked about again", async (_, batches) => {
    const { watch, authorised, hasAgentAmong } = laterOn();
    const foreign = publishedIn(7n, { source: theirs });
    expect(await watch.resolve([publishedIn(7n), foreign])).toMatchObject({ tasks: [] });
    authorised.add(client);
    const found: unknown[] = [];
    for (const batch of batches) found.push(...(await watch.resolve([...batch, foreign])).tasks);
    expect(found).toMatchObject([watchedTask]);
    expect(hasAgentAmong.calls.map(([asked]) => asked)).toEqual([client, foreigner, client]);
  });

  it("is asked about in the newest block that made it one, also by whoever looks at an earlier one", async () => {
    const { watch, hasAgentAmong } = laterOn();
    await watch.resolve([setIn(9n)]);
    await watch.resolve([publishedIn(7n), setIn(5n)]);
    expect(hasAgentAmong.calls).toEqual([[client, [own], 9n]]);
  });

  it("is seen also where the answer from before the log comes after it", async () => {
    const index = createTaskIndex();
    const { promise: early, resolve: answer } = Promise.withResolvers<boolean>();
    const answers = [early];
    const hasAgentAmong = counted(async () => answers.shift() ?? true);
    const chain = fakeChain({ source: async () => aSource(), hasAgentAmong });
    const options = { sources: new Set<never>(), clients: new Set<never>(), own: [own] };
    const watch = createWatch({ chain, journal: journalWith(), index }, options);
    const before = watch.resolve([published]);
    while (hasAgentAmong.calls.length === 0) await Promise.resolve();
    expect(await watch.resolve([setIn(8n), publishedIn(8n)])).toMatchObject({ tasks: [watchedTask] });
    answer(false);
    expect(await before).toMatchObject({ tasks: [] });
    expect(index.isForeignTask(task)).toBe(false);
    expect(await watch.resolve([published])).toMatchObject({ tasks: [watchedTask] });
  });

  it("is told of with what came before it, which may have been foreign then", async () => {
    const { watch } = laterOn();
    await watch.resolve([publishedIn(7n), publishedIn(7n, { source: theirs }), setIn(9n)]);
    const before = [8n, 9n].map((block) => watch.agentSetAfter(source, block));
    expect([...before, watch.agentSetAfter(theirs, 8n)]).toEqual([true, false, false]);
  });

  it("is told of with that after a reorg as well, for which whose a source is is asked anew", async () => {
    const { watch } = laterOn();
    await watch.resolve([publishedIn(7n), setIn(9n)]);
    watch.rewound();
    expect([8n, 9n].map((block) => watch.agentSetAfter(source, block))).toEqual([true, false]);
  });

  it.each<[string, Partial<WatchOptions>, boolean]>([
    ["does not matter where its source is configured", { sources: new Set([source]) }, true],
    ["does not matter where it is configured itself", { clients: new Set([client]) }, true],
    ["does not matter where it is a signer", { own: [client] }, true],
    ["is what its tasks are watched for where nothing else is", {}, false],
  ])("%s", async (_, options, expected) => {
    const watch = watchOf({ source: async () => aSource(), hasAgentAmong: async () => true }, options);
    expect(await watch.isWatched(source, 7n)).toBe(true);
    expect(watch.isAlwaysWatched(source)).toBe(expected);
  });

  it("is not asked about when a client's other agent is told of", async () => {
    const { watch, hasAgentAmong } = laterOn();
    await watch.resolve([published]);
    await watch.resolve([setIn(8n, address(0x97)), publishedIn(9n)]);
    expect(hasAgentAmong.calls).toHaveLength(1);
  });

  it("is no agent any more after the next forgetting when it was dismissed", async () => {
    let authorised = true;
    const watch = watchOf({ source: async () => aSource(), hasAgentAmong: async () => authorised });
    expect(await watch.isWatched(source, 7n)).toBe(true);
    authorised = false;
    watch.forget();
    expect(await watch.isWatched(source, 7n)).toBe(false);
  });
});

describe("a source whose address a reorg gave to another client", () => {
  const stranger = address<AccountAddress>(0x77);

  it.each<[string, AccountAddress, AccountAddress, boolean]>([
    ["found", stranger, client, true],
    ["left alone", client, stranger, false],
  ])("has its next tasks %s", async (_, before, after, expected) => {
    let owner = before;
    const index = createTaskIndex();
    const chain = fakeChain({ source: async () => aSource({ client: owner }), hasAgentAmong: async () => false });
    const options = { sources: new Set<never>(), clients: new Set([client]), own: [] };
    const watch = createWatch({ chain, journal: journalWith(), index }, options);
    expect((await watch.resolve([published])).tasks).toHaveLength(expected ? 0 : 1);
    owner = after;
    watch.rewound();
    expect(index.isForeignTask(task)).toBe(false);
    expect((await watch.resolve([published])).tasks).toHaveLength(expected ? 1 : 0);
  });

  it("is not taken for the first one's by an answer from before, which comes after it", async () => {
    const { promise: early, resolve: answer } = Promise.withResolvers<ReturnType<typeof aSource>>();
    const answers = [early];
    const readSource = counted(async () => answers.shift() ?? aSource());
    const index = createTaskIndex();
    const options = { sources: new Set<never>(), clients: new Set([client]), own: [] };
    const watch = createWatch({ chain: fakeChain({ source: readSource }), journal: journalWith(), index }, options);
    const before = watch.resolve([published]);
    while (readSource.calls.length === 0) await Promise.resolve();
    watch.rewound();
    const after = watch.resolve([published]);
    answer(aSource({ client: stranger }));
    expect([(await before).tasks, (await after).tasks]).toMatchObject([[], [watchedTask]]);
    expect(index.isForeignTask(task)).toBe(false);
    expect((await watch.resolve([published])).tasks).toMatchObject([watchedTask]);
  });
});

describe("a node that lags behind the logs it gave", () => {
  it("is asked again instead of its answer being taken for that of a foreign task", async () => {
    let synced = false;
    const watch = watchOf({ source: async () => (synced ? aSource() : undefined), hasAgentAmong: async () => true });
    await expect(watch.resolve([published])).rejects.toThrow(RetryableError);
    synced = true;
    expect(await watch.resolve([published, submitted])).toMatchObject({ tasks: [watchedTask] });
  });

  it("is asked again about a task that it does not have", async () => {
    let synced = false;
    const asAgent = { source: async () => aSource(), hasAgentAmong: async () => true };
    const watch = watchOf({ ...asAgent, sourceOfTask: async () => (synced ? source : undefined) });
    await expect(watch.resolve([submitted])).rejects.toThrow(RetryableError);
    synced = true;
    expect(await watch.resolve([submitted])).toMatchObject({ tasks: [watchedTask] });
  });

  it.each([true, false])(
    "is asked again where it does not have the block of an event, whatever it says of agents before (then: %s)",
    async (isAgent) => {
      const answers = [...Array<"behind">(8).fill("behind"), isAgent];
      const hasAgentAmong = counted(async () => answers.shift() ?? "behind");
      const watch = watchOf({ source: async () => aSource(), hasAgentAmong });
      for (let count = 0; count < 8; count++)
        await expect(watch.resolve([published])).rejects.toThrow("does not have block 7");
      expect((await watch.resolve([published])).tasks).toHaveLength(isAgent ? 1 : 0);
      expect(hasAgentAmong.calls).toEqual(Array(9).fill([client, [own], 7n]));
    },
  );

  it("is asked again where it has neither a source nor the block of the event that named it", async () => {
    let isBehind = true;
    const readSource = counted(async () => (isBehind ? "behind" : aSource()));
    const watch = watchOf({ source: readSource, hasAgentAmong: async () => true });
    for (let count = 0; count < 8; count++)
      await expect(watch.resolve([published])).rejects.toThrow("does not have block 7");
    isBehind = false;
    expect(await watch.resolve([published])).toMatchObject({ tasks: [watchedTask] });
    expect(readSource.calls).toEqual(Array(9).fill([source, 7n]));
  });

  it("is asked again where it has neither a task nor the block of the event that named it", async () => {
    let isBehind = true;
    const sourceOfTask = counted(async () => (isBehind ? "behind" : source));
    const watch = watchOf({ source: async () => aSource(), hasAgentAmong: async () => true, sourceOfTask });
    for (let count = 0; count < 8; count++)
      await expect(watch.resolve([submitted])).rejects.toThrow("does not have block 7");
    isBehind = false;
    expect(await watch.resolve([submitted])).toMatchObject({ tasks: [watchedTask] });
    expect(sourceOfTask.calls).toEqual(Array(9).fill([task, 7n]));
  });

  it("is asked again about agents where it did not answer", async () => {
    const answers = [Promise.reject(new RetryableError("down", { code: "DOWN" })), Promise.resolve(true)];
    const hasAgentAmong = async () => answers.shift() ?? false;
    const watch = watchOf({ source: async () => aSource(), hasAgentAmong });
    await expect(watch.resolve([published])).rejects.toThrow("down");
    expect(await watch.resolve([published])).toMatchObject({ tasks: [watchedTask] });
  });

  it("does not hold up everything for ever for a block that nobody has, nor are others' events taken for foreign by it", async () => {
    let isThere = false;
    const chain = fakeChain({ source: async () => aSource(), hasAgentAmong: async () => isThere || "behind" });
    const index = createTaskIndex();
    index.learn(task, source);
    const options = { sources: new Set<never>(), clients: new Set<never>(), own: [own] };
    const watch = createWatch({ chain, journal: journalWith(), index }, options);
    const answers: unknown[] = [];
    for (let count = 0; count < 22; count++) answers.push(await watch.isWatched(source, 9_000n).catch(() => "again"));
    expect(index.isForeignTask(task)).toBe(false);
    isThere = true;
    expect([...answers, await watch.isWatched(source, 7n)]).toEqual([...Array(20).fill("again"), false, false, true]);
  });

  it("does not hold up a client's tasks for ever for a log of its agent in a block that nobody has", async () => {
    const hasAgentAmong = async (_: AccountAddress, __: readonly AccountAddress[], since: bigint) =>
      since < 9_000n || "behind";
    const watch = watchOf({ source: async () => aSource(), hasAgentAmong });
    const set: ChainEvent = { type: "AgentSet", account: client, agent: own, at: { ...at, blockNumber: 9_000n } };
    await watch.resolve([set]);
    const answers: unknown[] = [];
    for (let count = 0; count < 22; count++) answers.push(await watch.isWatched(source, 7n).catch(() => "again"));
    expect(answers).toEqual([...Array(20).fill("again"), false, true]);
  });

  it("is asked as patiently again about what it had in between, and lacks after a reorg", async () => {
    let isThere = false;
    const watch = watchOf({ source: async () => (isThere ? aSource() : undefined), hasAgentAmong: async () => true });
    const answers: unknown[] = [];
    const look = async () => answers.push(await watch.isWatched(source, 7n).catch(() => "again"));
    for (let count = 0; count < 5; count++) await look();
    isThere = true;
    await look();
    isThere = false;
    watch.rewound();
    for (let count = 0; count < 5; count++) await look();
    expect(answers).toEqual([...Array(5).fill("again"), true, ...Array(5).fill("again")]);
  });

  it("does not hold up everything for ever for a contract that nobody can read", async () => {
    const watch = watchOf({ source: async () => undefined });
    const answers: unknown[] = [];
    for (let count = 0; count < 8; count++) answers.push(await watch.isWatched(source, 7n).catch(() => "again"));
    expect(answers).toEqual([...Array(5).fill("again"), false, false, false]);
  });
});
