import { describe, expect, it } from "vitest";
import { lookAhead } from "../../src/lookAt.ts";
import type { ResponseAddress } from "../../src/protocol/brand.ts";
import type { ChainEvent } from "../../src/protocol/events.ts";
import { address, hashOf, response, source, task } from "../support/fakeChain.ts";

const at = { blockNumber: 100n, blockHash: hashOf(100), transactionHash: hashOf(1), logIndex: 0 } as const;
const submitted = (each: ResponseAddress) => ({ type: "ResponseSubmitted", response: each, task, at }) as ChainEvent;
const changed = { type: "TaskStatusChanged", task, status: 2, at } as ChainEvent;
const known = (responses: readonly ResponseAddress[] = []) => ({ source, responses });

const asked = async (events: readonly ChainEvent[], found: ReturnType<typeof known> | undefined | Error) => {
  const looks: unknown[] = [];
  const journal = {
    glance: async () => {
      if (found instanceof Error) throw found;
      return found;
    },
  };
  await lookAhead({ journal, chain: { lookAhead: (...look) => void looks.push(look) } }, events);
  return looks;
};

describe("looking ahead", () => {
  it("asks for what the look at a single response will ask for, in the journal's order", async () => {
    const [before, after] = [address<ResponseAddress>(0x1), address<ResponseAddress>(0xff)];
    const looks = await asked([changed, submitted(response)], known([before, after]));
    expect(looks).toEqual([[task, source, [before, response, after]]]);
    expect(await asked([submitted(response)], known([response]))).toEqual([[task, source, [response]]]);
  });

  it.each<[string, readonly ChainEvent[], ReturnType<typeof known> | undefined | Error]>([
    ["several responses come at once", [submitted(response), submitted(address(0x99))], known()],
    ["no response comes", [changed], known()],
    ["there is nothing to decide of the task", [submitted(response)], undefined],
    ["the journal does not answer", [submitted(response)], new Error("gone")],
  ])("asks for nothing when %s", async (_, events, found) => {
    expect(await asked(events, found)).toEqual([]);
  });
});
