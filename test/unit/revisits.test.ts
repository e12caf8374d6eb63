import { setTimeout } from "node:timers/promises";
import { Subject } from "rxjs";
import { beforeEach, describe, expect, it } from "vitest";
import type { Head } from "../../src/chain/chainPort.ts";
import type { PolicySet } from "../../src/policy/policyPort.ts";
import { fixedPolicies } from "../../src/policy/policyStore.ts";
import type { TaskAddress } from "../../src/protocol/brand.ts";
import { revisits$ } from "../../src/revisits.ts";
import { address, headAt, task } from "../support/fakeChain.ts";

const none: PolicySet = { policies: [], select: () => undefined };
let heads: Subject<Head>;
let changes: Subject<PolicySet>;
let found: TaskAddress[];
let answered: () => Promise<readonly TaskAddress[]>;
let open: (after: TaskAddress | undefined) => Promise<readonly TaskAddress[]>;
const settle = () => setTimeout(0);

beforeEach(() => {
  [heads, changes, found] = [new Subject(), new Subject(), []];
  [answered, open] = [async () => [], async () => []];
  revisits$({
    chain: { head$: heads },
    journal: { answeredTasks: () => answered(), openTasks: (after) => open(after) },
    policies: { ...fixedPolicies(none), changes$: changes },
  }).subscribe((each) => found.push(each));
});

describe("what is looked at again although nothing happened on chain", () => {
  it("is at each head what a person answered for, also after the journal failed once", async () => {
    answered = () => Promise.reject(new Error("the disk is full"));
    heads.next(headAt(1n));
    await settle();
    answered = async () => [task];
    heads.next(headAt(2n));
    await settle();
    expect(found).toEqual([task]);
  });

  it("is every open task when the policies change, and again when they change while the tasks are read", async () => {
    const read = Promise.withResolvers<readonly TaskAddress[]>();
    open = () => read.promise;
    changes.next(none);
    changes.next(none);
    await settle();
    read.resolve([task]);
    await settle();
    expect(found).toEqual([task, task]);
  });

  it("is every open task at the next change, where the journal failed at the last one", async () => {
    open = () => Promise.reject(new Error("the disk is full"));
    changes.next(none);
    await settle();
    const all = Array.from({ length: 600 }, (_, index) => address<TaskAddress>(index + 1));
    open = async (after) => all.filter((each) => after === undefined || each > after).slice(0, 250);
    changes.next(none);
    await settle();
    expect(found).toEqual(all);
  });
});
