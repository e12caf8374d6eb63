import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openSqliteJournal } from "../../src/journal/sqliteJournal.ts";
import { lookAhead, lookAt } from "../../src/lookAt.ts";
import type { ResponseAddress } from "../../src/protocol/brand.ts";
import type { ChainEvent } from "../../src/protocol/events.ts";
import { address, aSnapshot, fakeChain, hashOf, response, source, task } from "../support/fakeChain.ts";

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

  it("asks for the very same as the look does, when the journal has taken the response in", async () => {
    const directory = mkdtempSync(join(tmpdir(), "ahead-"));
    const journal = openSqliteJournal({ path: join(directory, "journal.sqlite"), chainId: 1071 });
    try {
      const others = [0xff, 0x1, 0x77].map((digits) => address<ResponseAddress>(digits));
      const seen = (responses: readonly ResponseAddress[]) => ({
        tasks: [{ task, source }],
        responses: responses.map((each) => ({ response: each, task })),
        touched: [],
      });
      await journal.intake(seen(others));
      const asked: unknown[][] = [];
      const chain = fakeChain({
        lookAhead: async (...look) => asked.push(look),
        snapshot: async (...look) => {
          asked.push(look);
          return aSnapshot();
        },
      });
      await lookAhead({ chain, journal }, [submitted(response), changed]);
      await journal.intake(seen([response]));
      await lookAt({ chain, journal, isWatched: async () => true, report: () => undefined }, task);
      expect(asked.length).toBe(2);
      expect(asked[1]).toEqual(asked[0]);
    } finally {
      await journal.close();
      rmSync(directory, { recursive: true });
    }
  });
});
