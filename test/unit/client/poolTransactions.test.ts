import { expect, it } from "vitest";
import { createJsonRpc } from "../../../src/chain/createJsonRpc.ts";
import { longestAnswer } from "../../../src/chain/exchange.ts";
import { poolTransactions } from "../../../src/client/nonce/poolTransactions.ts";
import { hashOf } from "../../support/fakeChain.ts";
import { type RpcRequest, startRpcServer } from "../../support/rpcServer.ts";

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

it("a whole pool that is longer than what is read of an answer is one that cannot be read, and no trouble", async () => {
  const server = await startRpcServer((asked) => {
    const [{ id, method }] = asked as readonly [RpcRequest];
    const refused = { code: -32601, message: "the method does not exist" };
    const answer = method === "txpool_content" ? { result: "0".repeat(longestAnswer) } : { error: refused };
    return { body: { jsonrpc: "2.0", id, ...answer } };
  });
  const pool = await poolTransactions(createJsonRpc({ url: server.url, timeoutMs: 10_000 }), account).finally(
    server.stop,
  );
  expect(pool).toBeUndefined();
});
