import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Receipt } from "../../../src/chain/chainPort.ts";
import type { Attempt, Confirmation } from "../../../src/journal/journal.ts";
import { toNonce, wei } from "../../../src/protocol/brand.ts";
import { nextStep, type Step, type View } from "../../../src/sink/nextStep.ts";
import { address, aReceipt, hashOf, response, task } from "../../support/fakeChain.ts";

const attempt = (hash: number, changes: Partial<Attempt> = {}): Attempt => ({
  kind: "confirm",
  hash: hashOf(hash),
  raw: "0x",
  nonce: toNonce(5),
  signedAt: 0,
  ...changes,
});
const confirmation = (changes: Partial<Confirmation> = {}): Confirmation => ({
  id: 1,
  task,
  response,
  verdictId: 1,
  payment: wei(80n),
  responseDigest: "d",
  state: "broadcast",
  reason: "",
  nonce: toNonce(5),
  mined: undefined,
  attempts: [attempt(0xa), attempt(0xb)],
  ...changes,
});
const receipt = (blockNumber: bigint, changes: Partial<Receipt> = {}) => aReceipt(hashOf(0xa), blockNumber, changes);
const view = (changes: Partial<View> = {}): View => ({
  final: 97n,
  receipts: [],
  finalNonce: toNonce(5),
  sinceBroadcastMs: 10,
  rebroadcastAfterMs: 1_000,
  ...changes,
});
const logged = (blockNumber: bigint, hash = 0xa) => ({ hash: hashOf(hash), blockNumber });
const minedAt98 = confirmation({ state: "mined", mined: { hash: hashOf(0xa), blockNumber: 98n } });

describe("the next step of a confirmation", () => {
  it.each<[string, Confirmation, Partial<View>, Partial<Step>]>([
    ["it was sent a moment ago", confirmation(), {}, { type: "stay" }],
    [
      "this process has not sent it",
      confirmation(),
      { sinceBroadcastMs: undefined },
      { type: "rebroadcast", stuck: false },
    ],
    ["it waits for too long", confirmation(), { sinceBroadcastMs: 1_000 }, { type: "rebroadcast", stuck: true }],
    [
      "it waits for too long, and the chain stands still",
      confirmation(),
      { sinceBroadcastMs: 1_000, sinceBroadcastBlocks: 1n, replaceAfterBlocks: 2 },
      { type: "rebroadcast", stuck: false },
    ],
    [
      "it waits for too long, and enough blocks came without it",
      confirmation(),
      { sinceBroadcastMs: 1_000, sinceBroadcastBlocks: 2n, replaceAfterBlocks: 2 },
      { type: "rebroadcast", stuck: true },
    ],
    [
      "blocks came without it, but it was sent a moment ago",
      confirmation(),
      { sinceBroadcastBlocks: 9n, replaceAfterBlocks: 2 },
      { type: "stay" },
    ],
    [
      "a former key's transaction in the same nonce has failed",
      confirmation({
        attempts: [attempt(0xa, { signer: address(0x51) }), attempt(0xb, { signer: address(0x52) })],
      }),
      { receipts: [receipt(90n, { succeeded: false })] },
      { type: "stay" },
    ],
    ["a receipt came", confirmation(), { receipts: [receipt(98n)] }, { type: "mined" }],
    ["the receipt is known and not final", minedAt98, { receipts: [receipt(98n)] }, { type: "stay" }],
    ["the receipt moved to another block", minedAt98, { receipts: [receipt(99n)] }, { type: "mined" }],
    [
      "a replacement was mined instead",
      minedAt98,
      { receipts: [receipt(98n, { hash: hashOf(0xb) })] },
      { type: "mined" },
    ],
    ["the receipt is final", minedAt98, { receipts: [receipt(97n)] }, { type: "final" }],
    [
      "a receipt that says reverted is not final",
      confirmation(),
      { receipts: [receipt(98n, { succeeded: false })] },
      { type: "mined" },
    ],
    ["the receipt is gone", minedAt98, {}, { type: "vanished" }],
    ["the nonce is used, finally, by a stranger", confirmation(), { finalNonce: toNonce(6) }, { type: "displaced" }],
    [
      "it was mined, is gone, and the nonce is used finally",
      minedAt98,
      { finalNonce: toNonce(6) },
      { type: "displaced" },
    ],
    [
      "the nonce is used, but there is a receipt",
      confirmation(),
      { finalNonce: toNonce(6), receipts: [receipt(90n)] },
      { type: "final" },
    ],
    ["the node is behind the receipt", minedAt98, { final: 87n, receipts: [receipt(98n)] }, { type: "stay" }],
    ["the node cannot tell what is final", confirmation(), { finalNonce: undefined }, { type: "stay" }],
    [
      "a failed attempt stands in a nonce that it had before",
      confirmation({ attempts: [attempt(0xa, { nonce: toNonce(4) }), attempt(0xb)] }),
      { receipts: [receipt(90n, { succeeded: false })] },
      { type: "stay" },
    ],
    [
      "a cancelling transfer was mined in a nonce that it had before",
      confirmation({ attempts: [attempt(0xa, { kind: "cancel", nonce: toNonce(4) }), attempt(0xb)] }),
      { receipts: [receipt(90n)] },
      { type: "stay" },
    ],
    [
      "its nonce was used up by the cancelling transfer",
      confirmation({ attempts: [attempt(0xa), attempt(0xb, { kind: "cancel" })] }),
      { receipts: [receipt(90n, { hash: hashOf(0xb) })] },
      { type: "final" },
    ],
    ["a log came", confirmation(), { logged: logged(98n) }, { type: "mined", mined: logged(98n) }],
    ["the log is known", minedAt98, { logged: logged(98n) }, { type: "stay" }],
    [
      "a log came of a block that is final: its receipt is wanted",
      confirmation(),
      { logged: logged(97n), finalNonce: toNonce(6) },
      { type: "stay" },
    ],
    ["a log came of what is none of its own", confirmation(), { logged: logged(98n, 0xc) }, { type: "stay" }],
    [
      "a log came of its cancelling transfer, which can have none",
      confirmation({ attempts: [attempt(0xa), attempt(0xb, { kind: "cancel" })] }),
      { logged: logged(98n, 0xb) },
      { type: "stay" },
    ],
    ["there is no finality to wait for", confirmation(), { final: 100n, receipts: [receipt(100n)] }, { type: "final" }],
  ])("when %s", (_, before, changes, expected) => {
    expect(nextStep(before, view(changes))).toMatchObject(expected);
  });

  it("goes by the attempt that paid where two were mined", () => {
    const receipts = [receipt(90n, { succeeded: false }), receipt(91n, { hash: hashOf(0xb) })];
    expect(nextStep(confirmation(), view({ receipts }))).toEqual({ type: "final", receipt: receipts[1] });
  });

  it("is never terminal before finality, never frees a nonce while there is a receipt or for a time-out", () => {
    const anyReceipt = fc.record({ block: fc.bigInt({ min: 50n, max: 100n }), succeeded: fc.boolean() });
    const anyView = fc.record({
      depth: fc.integer({ min: 0, max: 60 }),
      receipts: fc.array(anyReceipt, { maxLength: 2 }),
      finalNonce: fc.integer({ min: 0, max: 10 }),
      since: fc.option(fc.nat(1e9), { nil: undefined }),
      mined: fc.boolean(),
      log: fc.option(fc.bigInt({ min: 50n, max: 100n }), { nil: undefined }),
    });
    fc.assert(
      fc.property(anyView, ({ depth, receipts, finalNonce, since, mined, log }) => {
        const seen = view({
          final: 100n - BigInt(depth),
          receipts: receipts.map(({ block, succeeded }) => receipt(block, { succeeded })),
          finalNonce: toNonce(finalNonce),
          sinceBroadcastMs: since,
          logged: log === undefined ? undefined : logged(log),
        });
        const step = nextStep(mined ? minedAt98 : confirmation(), seen);
        if (step.type === "final") expect(100n - step.receipt.blockNumber).toBeGreaterThanOrEqual(BigInt(depth));
        if (step.type === "displaced") expect([receipts.length, log, finalNonce > 5]).toEqual([0, undefined, true]);
        if (step.type === "mined" && !step.receipt)
          expect(step.mined.blockNumber + BigInt(depth)).toBeGreaterThan(100n);
        if (log !== undefined && receipts.length === 0) expect(step.type).toMatch(/^(stay|mined)$/);
        else if (receipts.length === 0 && finalNonce <= 5) expect(step.type).toMatch(/^(stay|rebroadcast|vanished)$/);
        if (receipts.length > 0) expect(step.type).toMatch(/^(stay|mined|final)$/);
      }),
    );
  });
});
