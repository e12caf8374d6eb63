import { expect, it } from "vitest";
import { poolTransactions } from "../../../src/client/nonce/poolTransactions.ts";
import { hashOf } from "../../support/fakeChain.ts";

const account = "0x00000000000000000000000000000000c0ffee00";
const waits = { nonce: "0x7", hash: hashOf(7), to: null, input: "0x", value: "0x0", gas: "0x5208", gasPrice: "0x1" };
const poolOf = (content: unknown) =>
  poolTransactions({ name: "a node", call: async () => content as never, batch: async () => [] }, account);

it("what waits in a node is told by nonce", async () => {
  const pool = await poolOf({ pending: { 7: waits }, queued: { 6: { ...waits, nonce: "0x6" } } });
  expect(pool).toMatchObject([{ nonce: 6 }, { nonce: 7, hash: hashOf(7), gas: 21_000n }]);
});

it.each([
  ["nothing", {}],
  ["no amount", { ...waits, value: undefined }],
  ["a nonce that is none", { ...waits, nonce: "seven" }],
  ["no transaction at all", null],
  ["no call", { ...waits, input: undefined }],
])("a pool that shows %s of a transaction is one that cannot be read", async (_, shown) => {
  expect(await poolOf({ pending: { 6: { ...waits, nonce: "0x6" }, 7: shown } })).toBeUndefined();
});
