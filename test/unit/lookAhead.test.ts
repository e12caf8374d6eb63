import { describe, expect, it } from "vitest";
import type { TaskRecord } from "../../src/journal/journal.ts";
import { lookAhead } from "../../src/lookAt.ts";
import type { ResponseAddress } from "../../src/protocol/brand.ts";
import type { ChainEvent } from "../../src/protocol/events.ts";
import { address, hashOf, response, source, task } from "../support/fakeChain.ts";

const at = { blockNumber: 100n, blockHash: hashOf(100), transactionHash: hashOf(1), logIndex: 0 } as const;
const submitted = (each: ResponseAddress) => ({ type: "ResponseSubmitted", response: each, task, at }) as ChainEvent;
const changed = { type: "TaskStatusChanged", task, status: 2, at } as ChainEvent;
const record = (changes: Partial<TaskRecord> = {}): TaskRecord => ({
  task,
  source,
  state: "open",
  reason: "",
  responses: [],
  reappeared: new Set(),
  verdicts: [],
  answers: [],
  seenBlock: 1n,
  confirmation: undefined,
  ...changes,
});

const asked = async (events: readonly ChainEvent[], known: TaskRecord | undefined | Error) => {
  const looks: unknown[] = [];
  const journal = {
    task: async () => {
      if (known instanceof Error) throw known;
      return known;
    },
  };
  await lookAhead({ journal, chain: { lookAhead: (...look) => void looks.push(look) } }, events);
  return looks;
};

describe("looking ahead", () => {
  it("asks for what the look at a single response will ask for, in the journal's order", async () => {
    const [before, after] = [address<ResponseAddress>(0x1), address<ResponseAddress>(0xff)];
    const looks = await asked([changed, submitted(response)], record({ responses: [before, after] }));
    expect(looks).toEqual([[task, source, [before, response, after]]]);
    expect(await asked([submitted(response)], record({ responses: [response] }))).toEqual([[task, source, [response]]]);
  });

  it.each<[string, readonly ChainEvent[], TaskRecord | undefined | Error]>([
    ["several responses come at once", [submitted(response), submitted(address(0x99))], record()],
    ["no response comes", [changed], record()],
    ["the task is not known", [submitted(response)], undefined],
    ["the task is closed", [submitted(response)], record({ state: "closed" })],
    ["the task is paid for already", [submitted(response)], record({ confirmation: {} as never })],
    ["the journal does not answer", [submitted(response)], new Error("gone")],
  ])("asks for nothing when %s", async (_, events, known) => {
    expect(await asked(events, known)).toEqual([]);
  });
});
