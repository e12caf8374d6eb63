import { setImmediate } from "node:timers/promises";
import { lastValueFrom, tap } from "rxjs";
import { describe, expect, it } from "vitest";
import type { ChainPort } from "../../../src/chain/chainPort.ts";
import { createSweep, type SweepStep } from "../../../src/chain/sweep.ts";
import type { TaskStanding } from "../../../src/chain/taskStandings.ts";
import type { Watch } from "../../../src/chain/watch.ts";
import type { Journal } from "../../../src/journal/journal.ts";
import {
  type ResponseAddress,
  type SourceAddress,
  type TaskAddress,
  unixSeconds,
} from "../../../src/protocol/brand.ts";
import { TaskStatus } from "../../../src/protocol/statuses.ts";
import { pump$ } from "../../../src/rx/pump.ts";
import { address, fakeChain, headAt, response, source, task } from "../../support/fakeChain.ts";

const foreign = address<SourceAddress>(0xf0);
const standing = (changes: Partial<TaskStanding> = {}): TaskStanding => ({
  status: TaskStatus.NEW,
  expiryTime: unixSeconds(5_000),
  responses: [],
  ...changes,
});
const answered = standing({ status: TaskStatus.RESPONDED, responses: [response] });

/** A network that grows: lists are read from an index on, two entries a stretch. */
const network = () => {
  const sources: SourceAddress[] = [source];
  const tasks = new Map<SourceAddress, TaskAddress[]>([[source, [task]]]);
  const watched = new Set<SourceAddress>([source]);
  const open = new Map<TaskAddress, TaskStanding | undefined>();
  const pages: number[] = [];
  /** What the list of a source's tasks is answered after. */
  const delays = new Map<SourceAddress, Promise<unknown>>();
  const stretchOf = <T>(list: readonly T[], from: number) => {
    const found = list.slice(from, from + 2);
    return { found, next: from + found.length, more: from + found.length < list.length };
  };
  const chain: Partial<ChainPort> = {
    head: async () => headAt(9n),
    sources: async (from) => {
      const { found, ...rest } = stretchOf(sources, from);
      return { sources: found, ...rest };
    },
    tasksOfSource: async (of, from) => {
      await delays.get(of);
      const { found, ...rest } = stretchOf(tasks.get(of) ?? [], from);
      return { tasks: found, ...rest };
    },
    standings: async (asked) => {
      pages.push(asked.length);
      return asked.map((each) => open.get(each));
    },
  };
  const asked: SourceAddress[] = [];
  const isWatched = async (each: SourceAddress) => {
    asked.push(each);
    return watched.has(each);
  };
  const watch = { isWatched } as unknown as Watch;
  const journal = {
    openTasks: async (after: string | undefined, limit: number) =>
      [...open.keys()]
        .toSorted()
        .filter((each) => after === undefined || each > after)
        .slice(0, limit),
  } as unknown as Journal;
  const sweep = createSweep({ chain: fakeChain(chain), journal, watch });
  const round = async (): Promise<readonly SweepStep[]> => {
    const steps: SweepStep[] = [];
    for await (const step of sweep.round(0n)) steps.push(step);
    return steps;
  };
  const found = async () => (await round()).flatMap((step) => step.tasks.map((each) => each.task));
  return { sources, tasks, watched, asked, open, pages, delays, sweep, round, found };
};

describe("a sweep", () => {
  it("finds what came since the last round, and nothing twice", async () => {
    const { tasks, found } = network();
    expect(await found()).toEqual([task]);
    expect(await found()).toEqual([]);
    const later = [1, 2, 3, 4, 5].map((number) => address<TaskAddress>(0x100 + number));
    tasks.get(source)?.push(...later);
    expect(await found()).toEqual(later);
  });

  it("tells what came since the last round from what it had not read before", async () => {
    const { tasks, round } = network();
    expect((await round()).map(({ isNews }) => isNews)).toEqual([false]);
    tasks.get(source)?.push(address<TaskAddress>(0x1b));
    expect((await round()).map(({ isNews }) => isNews)).toEqual([true]);
  });

  it("finds the older tasks of a source whose client authorised the signer since", async () => {
    const { sources, tasks, watched, found } = network();
    const older = address<TaskAddress>(0x1c);
    sources.push(foreign);
    tasks.set(foreign, [older]);
    expect(await found()).toEqual([task]);
    watched.add(foreign);
    expect(await found()).toEqual([older]);
  });

  it("finds none of what a client publishes that has dismissed the signer, until it authorises it again", async () => {
    const { tasks, watched, found } = network();
    expect(await found()).toEqual([task]);
    watched.delete(source);
    const later = address<TaskAddress>(0x1d);
    tasks.get(source)?.push(later);
    expect(await found()).toEqual([]);
    watched.add(source);
    expect(await found()).toEqual([later]);
  });

  it("finds the tasks of each watched source in its first round, however many others stand between", async () => {
    const { sources, tasks, watched, found } = network();
    for (let number = 1; number <= 5; number++) sources.push(address<SourceAddress>(0xf0 + number));
    const last = sources.at(-1) as SourceAddress;
    const older = address<TaskAddress>(0x1c);
    tasks.set(last, [older]);
    watched.add(last);
    expect(await found()).toEqual([task, older]);
  });

  it("reads the list of sources anew in each round: a reorg may have put another one in the place of one, which is asked about no more", async () => {
    const { sources, tasks, watched, asked, found } = network();
    expect(await found()).toEqual([task]);
    const [another, theirs] = [address<SourceAddress>(0x2b), address<TaskAddress>(0x1c)];
    sources[0] = another;
    tasks.set(another, [theirs]);
    watched.add(another);
    expect(await found()).toEqual([theirs]);
    expect(asked).toEqual([source, another]);
  });

  it("begins at the beginning when what it found was not stored", async () => {
    const { sweep, found } = network();
    expect(await found()).toEqual([task]);
    sweep.forget();
    expect(await found()).toEqual([task]);
  });

  it("begins at the beginning, too, where it had read ahead of what could not be stored", async () => {
    const { tasks, sources, watched, delays, sweep, found } = network();
    const [empty, another] = [address<SourceAddress>(0x2b), address<SourceAddress>(0x2c)];
    const older = address<TaskAddress>(0x1c);
    for (const each of [empty, another]) {
      sources.push(each);
      watched.add(each);
    }
    tasks.set(another, [older]);
    delays.set(empty, setImmediate());
    const full = async (): Promise<readonly never[]> => {
      throw new Error("the disk is full");
    };
    await expect(lastValueFrom(pump$(() => sweep.round(0n), full).pipe(tap({ error: sweep.forget })))).rejects.toThrow(
      /full/,
    );
    // What was on its way comes in now, after all was forgotten.
    await setImmediate();
    expect(await found()).toEqual([task, older]);
  });

  it.each<[string, TaskStanding | undefined, boolean]>([
    ["has a response", answered, true],
    ["was finalised by others", standing({ status: TaskStatus.FINALIZED }), true],
    ["was cancelled", standing({ status: TaskStatus.CANCELED }), true],
    ["is past its time", standing({ expiryTime: unixSeconds(999) }), true],
    ["is in the second of its expiry", standing({ expiryTime: unixSeconds(1_000) }), true],
    ["has a second left", standing({ expiryTime: unixSeconds(1_001) }), false],
    ["waits for its first response", standing({ status: TaskStatus.ATTEMPTED }), false],
    ["is not there, for this node", undefined, false],
  ])("looks, in every round, at an open task that %s: %o", async (_, stands, expected) => {
    const { open, round } = network();
    open.set(task, stands);
    for (let count = 0; count < 2; count++) {
      const responses = (stands?.responses ?? []).map((each: ResponseAddress) => ({ response: each, task }));
      const last = { tasks: [], responses, touched: expected ? [task] : [], isNews: false };
      expect((await round()).at(-1)).toEqual(last);
    }
  });

  it("reads however many open tasks, some at a time", async () => {
    const { open, pages, round } = network();
    for (let number = 1; number <= 600; number++) open.set(address<TaskAddress>(number), answered);
    const touched = (await round()).flatMap((step) => step.touched);
    expect(new Set(touched).size).toBe(600);
    expect(pages).toEqual([250, 250, 100]);
  });
});
