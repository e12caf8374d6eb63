import { afterEach, describe, expect, it } from "vitest";
import { createJsonRpc } from "../../../src/chain/createJsonRpc.ts";
import { RpcError, resultOf } from "../../../src/chain/jsonRpc.ts";
import { exitCodes, RetryableError } from "../../../src/errors.ts";
import { type RpcReply, type RpcRequest, type RpcServer, startRpcServer } from "../../support/rpcServer.ts";

let server: RpcServer;
afterEach(() => server.stop());

const credential = "Zq3vX9secretTOKEN8";
const serve = async (reply: (calls: readonly RpcRequest[]) => RpcReply, timeoutMs = 5_000) => {
  server = await startRpcServer(reply);
  const url = server.url.replace("http://", "http://us%20er:p%40ss@");
  return createJsonRpc({ url: `${url}/v3/${credential}?key=${credential}`, timeoutMs });
};
const echo = ({ id, method }: RpcRequest) => ({ jsonrpc: "2.0", id, result: method });
const refusedOne = (call: RpcRequest | undefined) => ({
  ...{ jsonrpc: "2.0", id: call?.id },
  error: { code: -32000, message: "already known" },
});
const three = ["a", "b", "c"].map((method) => ({ method, params: [] }));

describe("a batch", () => {
  it("is answered in the order of the calls, whatever the order of the answers", async () => {
    const rpc = await serve((calls) => ({ body: calls.map(echo).reverse() }));
    expect((await rpc.batch(three)).map(resultOf)).toEqual(["a", "b", "c"]);
    expect(server.requests).toHaveLength(1);
  });

  it("asks nothing when there is nothing to ask", async () => {
    const rpc = await serve(() => ({ body: [] }));
    expect([await rpc.batch([]), server.requests]).toEqual([[], []]);
  });

  it("keeps the refusal of one call apart from the answers of the others", async () => {
    const error = { code: -32000, message: "missing trie node", data: "0x12" };
    const rpc = await serve((calls) => ({
      body: calls.map((call, index) => (index === 1 ? { id: call.id, error } : echo(call))),
    }));
    const [first, second, third] = await rpc.batch(three);
    expect([resultOf(first), resultOf(third)]).toEqual(["a", "c"]);
    expect(second).toMatchObject({ error: { rpcCode: -32000, data: "0x12", exitCode: exitCodes.temporary } });
  });

  it("is refused as a whole where the node answers it with one error", async () => {
    const rpc = await serve(() => ({ body: { id: null, error: { code: -32005, message: "batch too large" } } }));
    const answers = await rpc.batch(three);
    for (const answer of answers) expect(() => resultOf(answer)).toThrow(/batch too large/);
  });

  it("is refused as a whole by an object in the place of a list, under whatever id, unless it would pay", async () => {
    const rpc = await serve(([first]) => ({ status: 401, body: refusedOne(first) }));
    for (const answer of await rpc.batch(three)) expect(() => resultOf(answer)).toThrow("already known");
    const payments = three.map(({ params }) => ({ method: "eth_sendRawTransaction", params }));
    await expect(rpc.batch(payments)).rejects.toThrow(/holes/);
  });

  it.each([
    ["batch too large", -32600],
    ["batch limit 2 exceeded (can increase by --rpc.batch.limit). Requested batch of size: 3", -32600],
    ["too many requests", -32005],
  ])(
    "is refused as a whole under its first id, too, by a word that can be on nothing less: %s",
    async (message, code) => {
      const rpc = await serve(([first]) => ({ body: [{ jsonrpc: "2.0", id: first?.id, error: { code, message } }] }));
      const answers = await rpc.batch(three);
      expect(answers).toHaveLength(3);
      for (const answer of answers) expect(() => resultOf(answer)).toThrow(message);
    },
  );

  it.each<[string, (calls: readonly RpcRequest[]) => RpcReply, RegExp]>([
    ["refuses one in a list, and is silent on the rest", ([, second]) => ({ body: [refusedOne(second)] }), /holes/],
    ["leaves one out", (calls) => ({ body: calls.slice(1).map(echo) }), /holes/],
    ["gives one no result", (calls) => ({ body: calls.map(({ id }) => ({ id })) }), /holes/],
    ["answers other ids", (calls) => ({ body: calls.map((call) => echo({ ...call, id: call.id + 100 })) }), /holes/],
    ["answers with null", () => ({ body: "null" }), /holes/],
    ["answers 503 with a page", () => ({ status: 503, body: "<html>busy</html>" }), /HTTP 503/],
    ["answers 401 with JSON of its own", () => ({ status: 401, body: { message: credential } }), /HTTP 401/],
    ["answers 200 with a page", () => ({ body: "<html>login</html>" }), /not JSON/],
    ["answers half", () => ({ body: '[{"jsonrpc":"2.0","id":1,"resu' }), /not JSON/],
  ])("is worth another try when the node %s", async (_, reply, why) => {
    const rpc = await serve(reply);
    const error = await rpc.batch(three).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(RetryableError);
    expect((error as Error).message).toMatch(why);
    expect(String((error as Error).stack)).not.toContain(credential);
  });
});

describe("a call", () => {
  it("throws the node's refusal, whatever the HTTP status", async () => {
    const rpc = await serve(([call]) => ({
      status: 400,
      body: { id: call?.id, error: { code: 3, message: "execution reverted" } },
    }));
    await expect(rpc.call("eth_call")).rejects.toThrow(RpcError);
  });

  it("accepts null as a result", async () => {
    const rpc = await serve(([call]) => ({ body: { id: call?.id, result: null } }));
    expect(await rpc.call("eth_getTransactionReceipt")).toBeNull();
  });

  it("shortens what the node says", async () => {
    const rpc = await serve(([call]) => ({ body: { id: call?.id, error: { code: 1, message: "x".repeat(1e6) } } }));
    await expect(rpc.call("eth_call")).rejects.toMatchObject({ message: "x".repeat(1024) });
  });

  it("gives up after the time-out", async () => {
    const rpc = await serve(() => undefined, 100);
    await expect(rpc.call("eth_chainId")).rejects.toThrow(/no answer within 100 ms/);
  });

  it("is refused by nobody where nobody listens, and shows no credential then either", async () => {
    const rpc = await serve(() => undefined);
    await server.stop();
    const error = (await rpc.call("eth_chainId").catch((caught: unknown) => caught)) as Error;
    expect(error).toBeInstanceOf(RetryableError);
    expect(error.message).toMatch(/ECONNREFUSED/);
    expect(`${error.stack}${JSON.stringify(error)}`).not.toMatch(/Zq3v|p@ss|p%40ss/);
    server = await startRpcServer(() => undefined);
  });
});

describe("an endpoint's URL", () => {
  it("is known by its host alone, and its user part goes into a header", async () => {
    const rpc = await serve((calls) => ({ body: calls.map(echo)[0] }));
    expect(await rpc.call("eth_chainId")).toBe("eth_chainId");
    expect(rpc.name).toBe(`127.0.0.1:${server.port}`);
    const basic = `Basic ${Buffer.from("us er:p@ss").toString("base64")}`;
    expect(server.requests[0]?.headers).toMatchObject({ authorization: basic, "content-type": "application/json" });
  });
});
