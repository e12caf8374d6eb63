import { expect, it } from "vitest";
import { whyNone } from "../../../src/client/lane/outcome.ts";
import type { SeenMined } from "../../../src/client/lane/transaction.ts";
import { toNonce } from "../../../src/protocol/brand.ts";
import { hashOf } from "../../support/fakeChain.ts";

const mined: SeenMined = {
  ...{ hash: hashOf(1), blockNumber: 100n, blockHash: hashOf(100), readAt: 100n },
  ...{ fee: 1n, succeeded: true, kind: "confirm" },
};

it.each<[string, { mined?: SeenMined; answer?: string }, string?]>([
  ["no block has it", {}],
  ["an endpoint is down", {}, "an endpoint is down"],
  ["intrinsic gas too low", { answer: "intrinsic gas too low" }, "an endpoint is down"],
  ["block 100 has it, and it is to have 3 confirmations", { mined, answer: "already known" }],
  ["it reverted in block 100, which can still be taken back", { mined: { ...mined, succeeded: false } }],
  ["it was called off in block 100, which can still be taken back", { mined: { ...mined, kind: "cancel" } }],
])("%s: that is why there is no outcome yet", (why, { mined, answer }, trouble = "") => {
  const transaction = { what: "a call", check: async () => undefined };
  const entry = { transaction, nonce: toNonce(0), attempts: [], fate: undefined, refusal: undefined, mined, answer };
  expect(whyNone(entry, 3, trouble)).toBe(why);
});
