import { expect, it } from "vitest";
import { createEntries } from "../../../src/client/lane/entries.ts";
import type { Entry } from "../../../src/client/lane/transaction.ts";
import { toNonce } from "../../../src/protocol/brand.ts";
import { type FakeAnswers, fakeChain, hashOf, headAt } from "../../support/fakeChain.ts";
import { signerOfKey } from "../../support/sinkBench.ts";
import { createVirtualTime } from "../../support/virtualTime.ts";

const entry = (number: number): Entry => ({
  transaction: { what: "a call", to: "0x01", data: `0x${"00".repeat(1_000)}`, check: async () => undefined },
  nonce: toNonce(number),
  attempts: [{ kind: "confirm", hash: hashOf(number), raw: "0x00", nonce: toNonce(number), signedAt: 0 }],
  ...{ mined: undefined, sentAt: 0, answer: undefined, refusal: undefined, fate: undefined },
});
const never = async (): Promise<never> => {
  throw new TypeError("nothing is checked again");
};
const entriesOn = (chain: FakeAnswers, { clock } = createVirtualTime()) => {
  return createEntries({
    ...{ clock, signer: signerOfKey("1"), chainId: 1071, maxFeePerGas: 1n, rebroadcastAfterMs: 1, pollIntervalMs: 100 },
    chain: fakeChain(chain),
    elsewhere: { name: "elsewhere", call: never, batch: never },
  });
};

it("what is concluded is known for a while, the newest thousand, without its bytes", async () => {
  const entries = entriesOn({
    head: async () => headAt(200n),
    receipt: async (hash) => ({
      ...{ hash, blockNumber: 100n, blockHash: hashOf(100), succeeded: true, gasUsed: 1n, gasPrice: 1n },
    }),
  });
  for (let number = 0; number < 1_002; number++) entries.add(entry(number));
  await entries.look();
  expect(entries.open()).toEqual([]);
  expect([0, 1, 2, 1_001].map((number) => entries.find(toNonce(number)) !== undefined)).toEqual([
    false,
    false,
    true,
    true,
  ]);
  expect(entries.holder(toNonce(2))).toBeUndefined();
  const kept = entries.find(toNonce(2));
  expect(kept).toMatchObject({ fate: "settled", mined: { hash: hashOf(2) }, attempts: [{ hash: hashOf(2) }] });
  expect(JSON.stringify(kept, (_, value) => (typeof value === "bigint" ? `${value}` : value)).length).toBeLessThan(600);
});

it("two looks at once are one, so that none signs a second replacement", async () => {
  let asked = 0;
  const entries = entriesOn({
    head: async () => {
      asked++;
      return headAt(100n);
    },
  });
  entries.add(entry(0));
  await Promise.all([entries.look(), entries.look()]);
  expect(asked).toBe(1);
});

it("a look of those who wait is the one that runs already", async () => {
  let asked = 0;
  const time = createVirtualTime();
  const answer = Promise.withResolvers<ReturnType<typeof headAt>>();
  const head = () => {
    asked++;
    return answer.promise;
  };
  const entries = entriesOn({ head }, time);
  entries.add(entry(0));
  const waiting = entries.outcome(entry(0), 1, 0);
  waiting.catch(() => undefined);
  await time.pass(99);
  const looking = entries.look();
  await time.pass(10);
  answer.resolve(headAt(100n));
  await looking;
  await expect(waiting).rejects.toMatchObject({ name: "NotMinedError" });
  expect(asked).toBe(1);
});
