import { lastValueFrom, toArray } from "rxjs";
import { describe, expect, it } from "vitest";
import type { ChainPort } from "../../../src/chain/chainPort.ts";
import { createSweep } from "../../../src/chain/sweep.ts";
import type { Watch } from "../../../src/chain/watch.ts";
import type { Journal } from "../../../src/journal/journal.ts";
import type { SourceAddress, TaskAddress } from "../../../src/protocol/brand.ts";
import { address, fakeChain, response, source, task } from "../../support/fakeChain.ts";

const foreign = address<SourceAddress>(0xf0);

/** A network that grows: lists are read from an index on. */
const network = () => {
  const sources: SourceAddress[] = [source];
  const tasks = new Map<SourceAddress, TaskAddress[]>([[source, [task]]]);
  const watched = new Set<SourceAddress>([source]);
  const open: TaskAddress[] = [];
  const chain: Partial<ChainPort> = {
    sources: async (from) => ({ sources: sources.slice(from), next: sources.length }),
    tasksOfSource: async (of, from) => {
      const list = tasks.get(of) ?? [];
      return { tasks: list.slice(from), next: list.length };
    },
    responsesOfTask: async () => [response],
  };
  const watch = { isWatched: async (each: SourceAddress) => watched.has(each) } as unknown as Watch;
  const journal = { openTasks: async () => open } as unknown as Journal;
  const sweep = createSweep({ chain: fakeChain(chain), journal, watch });
  const found = async () => {
    const round = await lastValueFrom(sweep.round$().pipe(toArray()));
    return round.flatMap((intake) => intake.tasks.map((each) => each.task));
  };
  return { sources, tasks, watched, open, sweep, found };
};

describe("a sweep", () => {
  it("finds what came since the last round, and nothing twice", async () => {
    const { tasks, found } = network();
    expect(await found()).toEqual([task]);
    expect(await found()).toEqual([]);
    const later = address<TaskAddress>(0x1b);
    tasks.get(source)?.push(later);
    expect(await found()).toEqual([later]);
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

  it("begins at the beginning when what it found was not stored", async () => {
    const { sweep, found } = network();
    expect(await found()).toEqual([task]);
    sweep.forget();
    expect(await found()).toEqual([task]);
  });

  it("looks at every open task and its responses, in every round", async () => {
    const { open, sweep } = network();
    open.push(task);
    for (let round = 0; round < 2; round++) {
      const intakes = await lastValueFrom(sweep.round$().pipe(toArray()));
      expect(intakes.at(-1)).toEqual({ tasks: [], responses: [{ response, task }], touched: [task] });
    }
  });
});
