import { beforeEach, describe, expect, it } from "vitest";
import { createForesight, type Foresight } from "../../../src/chain/foresight.ts";
import type { AccountAddress, Hash, Hex, ResponseAddress } from "../../../src/protocol/brand.ts";
import { ResponseStatus } from "../../../src/protocol/statuses.ts";
import { address, aResponse, aSnapshot, response, task } from "../../support/fakeChain.ts";

const controller = address<Hex>(0xc);
const from = address<AccountAddress>(0xa);
const gas = 100_000n;
const ask = { task, response, from, gas };
const block = aSnapshot().block.number;
const own = aSnapshot().block.hash;
const other: Hash = `0x${"ee".repeat(32)}`;
const passes = { ok: true, data: "0x" } as const;

let now = 0;
let foresight: Foresight;
beforeEach(() => {
  now = 0;
  foresight = createForesight(controller, () => now);
  // It learns who pays from the first time that it is asked.
  expect([foresight.tries([response]), foresight.recall(ask, block)]).toEqual([undefined, undefined]);
});
const asked = () => {
  const tries = foresight.tries([response]);
  if (tries === undefined) throw new Error("it is known who pays");
  return tries;
};
const see = (snapshot = aSnapshot(), tried: Parameters<Foresight["remember"]>[1] = [passes]) =>
  foresight.remember(snapshot, tried, asked());
const recallAfter = (change: () => void) => {
  change();
  return foresight.recall(ask, block);
};

describe("what a confirmation would meet, tried with the snapshot", () => {
  it("is tried as the account that pays, with the gas that is known to suffice", () => {
    expect(foresight.tries([response])).toMatchObject({ from, calls: [{ to: controller, gas: gas - 21_000n }] });
  });

  it("is tried as whoever paid last, with what gas was known last", () => {
    const other = address<AccountAddress>(0xb);
    foresight.recall({ ...ask, from: other, gas: gas + 1n }, block);
    foresight.recall({ ...ask, gas: undefined }, block);
    expect(foresight.tries([response])).toMatchObject({ from: other, gas: gas + 1n });
  });

  it("is what the snapshot said, in that very block", () => {
    see();
    const expected = {
      block,
      taskStatus: aSnapshot().task.status,
      response: aResponse(),
      simulation: { ok: true, gas },
    };
    expect(foresight.recall(ask, block)).toEqual(expected);
    expect(foresight.recall({ ...ask, gas: gas + 1n }, block)).toEqual(expected);
  });

  it.each<[string, () => unknown]>([
    ["there is another block", () => foresight.recall(ask, block + 1n)],
    ["another head was heard of", () => recallAfter(() => foresight.sawHead(other))],
    [
      "half a second has passed",
      () =>
        recallAfter(() => {
          now += 500;
        }),
    ],
    ["another account pays", () => foresight.recall({ ...ask, from: address<AccountAddress>(0xb) }, block)],
    ["less gas is given", () => foresight.recall({ ...ask, gas: gas - 1n }, block)],
    ["the gas is not known", () => foresight.recall({ ...ask, gas: undefined }, block)],
    ["the expiry is asked for, too", () => foresight.recall({ ...ask, withExpiry: true }, block)],
    ["it is another response", () => foresight.recall({ ...ask, response: address<ResponseAddress>(0x99) }, block)],
  ])("is asked anew when %s", (_, recall) => {
    see();
    expect(recall()).toBeUndefined();
  });

  it.each<[string, () => void]>([
    ["the call failed", () => see(aSnapshot(), [{ ok: false, data: "0x" }])],
    ["the call was not answered", () => see(aSnapshot(), [])],
    ["the response is not there", () => see(aSnapshot({ responses: [] }))],
    [
      "the response is confirmed",
      () => see(aSnapshot({ responses: [aResponse({ status: ResponseStatus.CONFIRMED })] })),
    ],
  ])("is not remembered when %s", (_, remember) => {
    remember();
    expect(foresight.recall(ask, block)).toBeUndefined();
  });

  it("is not remembered when another head came while it was asked: the block may be another by now", () => {
    const tries = asked();
    foresight.sawHead(other);
    foresight.remember(aSnapshot(), [passes], tries);
    expect(foresight.recall(ask, block)).toBeUndefined();
  });

  it("stays when its own block is the head that is told of, before or after the answer", () => {
    const tries = asked();
    foresight.sawHead(own);
    foresight.remember(aSnapshot(), [passes], tries);
    expect(foresight.recall(ask, block)).toBeDefined();
    foresight.sawHead(own);
    expect(foresight.recall(ask, block)).toBeDefined();
    foresight.sawHead(other);
    expect(foresight.recall(ask, block)).toBeUndefined();
    foresight.sawHead(own);
    expect(foresight.recall(ask, block)).toBeUndefined();
  });

  it("is not remembered when its own block was the head again, after another one", () => {
    const tries = asked();
    foresight.sawHead(other);
    foresight.sawHead(own);
    foresight.remember(aSnapshot(), [passes], tries);
    expect(foresight.recall(ask, block)).toBeUndefined();
  });

  it("belongs to the account that it was tried as, though another one pays meanwhile", () => {
    const tries = asked();
    const other = { ...ask, from: address<AccountAddress>(0xb) };
    expect(foresight.recall(other, block)).toBeUndefined();
    foresight.remember(aSnapshot(), [passes], tries);
    expect(foresight.recall(other, block)).toBeUndefined();
    expect(foresight.recall(ask, block)).toBeDefined();
  });

  it("is not tried for a task of many responses: most of them are not paid", () => {
    const many = [1, 2, 3, 4, 5].map((each) => address<ResponseAddress>(each));
    expect([foresight.tries(many), foresight.tries(many.slice(1))?.calls.length]).toEqual([undefined, 4]);
  });
});
