import { expect, it } from "vitest";
import type { ChainPort } from "../../../src/chain/chainPort.ts";
import { ReceiptError } from "../../../src/chain/receiptReads.ts";
import type { ClientContext } from "../../../src/client/context.ts";
import { fixOutcomes, type SentFix } from "../../../src/client/nonce/fixOutcomes.ts";
import { type Hash, toNonce } from "../../../src/protocol/brand.ts";
import { aReceipt, type FakeAnswers, fakeChain, hashOf, headAt } from "../../support/fakeChain.ts";
import { signerOfKey } from "../../support/sinkBench.ts";
import { createVirtualTime } from "../../support/virtualTime.ts";

const receiptOf = (hash: Hash) => aReceipt(hash);
const sent = (nonce: number, changes: Partial<SentFix> = {}): SentFix => {
  return { nonce, hash: hashOf(nonce), action: "cancel", refusal: undefined, alike: () => [], ...changes };
};
const unreadable = (hash: Hash) => new ReceiptError("the receipt is refused: indexing", hash);

/** What is told of these within this time; its error, where that is what comes. */
async function told(answers: FakeAnswers, fixes: readonly SentFix[], withinMs = 1_000, timeoutMs = 60_000) {
  const { clock, pass } = createVirtualTime();
  const chain = fakeChain({ head: async () => headAt(100n), minedNonce: async () => toNonce(9), ...answers });
  const context = { chain, clock, pollIntervalMs: 100 } as unknown as ClientContext;
  const outcomes = fixOutcomes(context, signerOfKey("1"), fixes, timeoutMs).catch((error: Error) => error);
  await pass(withinMs);
  return Promise.race([outcomes, "nothing"]);
}

it("what no endpoint tells of keeps nobody waiting, once something is mined in each nonce", async () => {
  const receiptsAt = async (hashes: readonly Hash[]) =>
    hashes.map((hash) => (hash === hashOf(7) ? unreadable(hash) : receiptOf(hash)));
  const minedElsewhere = async () => ({ mined: toNonce(9), receipts: [] });
  expect(await told({ receiptsAt, minedElsewhere }, [sent(7), sent(8)], 6_000)).toMatchObject([
    { nonce: 7, outcome: "unknown" },
    { nonce: 8, outcome: "mined" },
  ]);
});

it.each([
  ["refuses", async (hashes: readonly Hash[]) => hashes.map(unreadable)],
  ["denies", async () => []],
])("what one endpoint %s is another one's to tell", async (_, receiptsAt) => {
  const minedElsewhere = async () => ({ mined: toNonce(9), receipts: [receiptOf(hashOf(7))] });
  expect(await told({ receiptsAt, minedElsewhere }, [sent(7)])).toMatchObject([{ nonce: 7, outcome: "mined" }]);
});

it.each([2, 40])(
  "a receipt that comes %i questions after the count is waited for: nothing was displaced",
  async (late) => {
    let asked = 0;
    const receipt = async (hash: Hash) => (asked++ < late ? undefined : receiptOf(hash));
    expect(await told({ receipt }, [sent(7)], 4_000)).toMatchObject([{ nonce: 7, outcome: "mined" }]);
  },
);

it("a nonce that goes on to have no receipt of ours was used by another transaction", async () => {
  expect(await told({}, [sent(7)], 6_000)).toMatchObject([{ nonce: 7, outcome: "displaced" }]);
});

it("a nonce without a receipt of ours was used by another transaction also where time is up", async () => {
  expect(await told({}, [sent(7)], 2_000, 1_000)).toMatchObject([{ nonce: 7, outcome: "displaced" }]);
});

it.each<[string, ChainPort["minedElsewhere"]]>([
  ["is away", () => Promise.reject(new Error("no answer"))],
  ["lags, and counts nothing in the nonce", async () => ({ mined: toNonce(7), receipts: [] })],
])("one endpoint's word displaces nothing where the other one %s", async (_, minedElsewhere) => {
  expect(await told({ minedElsewhere }, [sent(7)], 6_000)).toMatchObject([{ nonce: 7, outcome: "unknown" }]);
});

it("a receipt is waited for anew where the block was taken back, and another one has it", async () => {
  const { clock, pass } = createVirtualTime();
  const isMined = () => clock.now() < 1_000 || clock.now() >= 10_000;
  const answers: FakeAnswers = {
    head: async () => headAt(100n),
    minedNonce: async () => toNonce(isMined() ? 8 : 7),
    receipt: async (hash) => (clock.now() < 12_000 ? undefined : receiptOf(hash)),
  };
  const context = { chain: fakeChain(answers), clock, pollIntervalMs: 100 } as unknown as ClientContext;
  const outcomes = fixOutcomes(context, signerOfKey("1"), [sent(7)], 60_000);
  await pass(13_000);
  expect(await outcomes).toMatchObject([{ nonce: 7, outcome: "mined" }]);
});

it("the time in which the process itself stood still between its question and the answer is not counted", async () => {
  const { clock, pass } = createVirtualTime();
  let [stoodMs, asked] = [0, 0];
  const now = () => clock.now() + stoodMs;
  const answers: FakeAnswers = {
    head: async () => headAt(100n),
    minedNonce: async () => toNonce(8),
    receipt: async (hash) => {
      asked++;
      if (asked === 3) stoodMs = 30_000;
      return asked < 5 ? undefined : receiptOf(hash);
    },
  };
  const context = {
    ...{ chain: fakeChain(answers), clock: { ...clock, now }, pollIntervalMs: 100 },
  } as unknown as ClientContext;
  const outcomes = fixOutcomes(context, signerOfKey("1"), [sent(7)], 60_000);
  await pass(2_000);
  expect(await outcomes).toMatchObject([{ nonce: 7, outcome: "mined" }]);
});

it("a replacement that was mined and reverted mended the nonce, and did nothing else", async () => {
  const receipt = async (hash: Hash) => aReceipt(hash, undefined, { succeeded: false });
  expect(await told({ receipt }, [sent(7)])).toMatchObject([{ nonce: 7, outcome: "reverted" }]);
});

it("an endpoint that fails to the end is told of", async () => {
  const minedNonce = () => Promise.reject(new Error("no answer"));
  expect(await told({ minedNonce }, [sent(7)], 2_000, 1_000)).toMatchObject({
    ...{ name: "NotMinedError", message: expect.stringMatching(/\(no answer\)/) },
  });
});

it("what was signed anew for more meanwhile, and mined, displaced nothing", async () => {
  const [first, dearer] = [hashOf(7), hashOf(0x7b)];
  const receipt = async (hash: Hash) => (hash === dearer ? receiptOf(hash) : undefined);
  expect(await told({ receipt }, [sent(7, { action: "resend", alike: () => [first, dearer] })])).toMatchObject([
    { nonce: 7, hash: dearer, outcome: "mined" },
  ]);
});

it("the one that is waited for is named where time is up, with what the node said to it", async () => {
  const minedNonce = async () => toNonce(7);
  const fixes = [sent(7, { refusal: "intrinsic gas too low" }), sent(8)];
  expect(await told({ minedNonce }, fixes, 61_000)).toMatchObject({
    name: "NotMinedError",
    ...{ nonce: 7, hash: hashOf(7), message: expect.stringMatching(/intrinsic gas too low/) },
  });
});

it("a malformed answer is waited out as any other failure is: the replacement is on its way", async () => {
  const { clock, pass } = createVirtualTime();
  let heads = 0;
  const chain = fakeChain({
    // As the reader of a block fails on one without its fields.
    head: async () => (heads++ === 0 ? { ...headAt(100n), number: BigInt(undefined as never) } : headAt(100n)),
    minedNonce: async () => toNonce(8),
    receipt: async (hash) => receiptOf(hash),
  });
  const context = { chain, clock, pollIntervalMs: 100 } as unknown as ClientContext;
  const outcomes = fixOutcomes(context, signerOfKey("1"), [sent(7)], 1_000);
  outcomes.catch(() => undefined);
  await pass(200);
  expect(await outcomes).toMatchObject([{ nonce: 7, outcome: "mined" }]);
});
