import { describe, expect, it } from "vitest";
import { type HttpRpc, RpcError, resultOf } from "../../../src/chain/jsonRpc.ts";
import { describeError, RetryableError } from "../../../src/errors.ts";
import type { Hex } from "../../../src/protocol/brand.ts";
import { answering, first, openEndpointStage, type Reply, refusing } from "../../support/endpointStage.ts";
import { hashOf } from "../../support/fakeChain.ts";

const a = answering(({ method }) => (method === "eth_chainId" ? "0x42f" : "a"));
const b = answering(({ method }) => (method === "eth_chainId" ? "0x42f" : "b"));
const raw = "0x02" as Hex;
const revoked = refusing("Must be authenticated!", -32600);
const down: Reply = () => ({ status: 503, body: "busy" });
/** Refuses some methods, and does the others. */
const without =
  (
    method: string,
    rest: Reply,
    message = `the method ${method} does not exist/is not available`,
    code = -32601,
  ): Reply =>
  (calls) => {
    const others = [rest(calls)?.body].flat() as { id: number }[];
    const answers = calls.map(({ id, ...call }, index) =>
      call.method === method ? { jsonrpc: "2.0", id, error: { code, message } } : others[index],
    );
    return { body: answers.length === 1 ? answers[0] : answers };
  };
const callsOf = (...methods: string[]) => methods.map((method) => ({ method, params: [] }));

describe("an endpoint that refuses its key, or whose quota is used up", () => {
  const status =
    (code: number, body: unknown): Reply =>
    () => ({ status: code, body });
  it.each<[string, Reply]>([
    ["in JSON-RPC", revoked],
    ["because of its quota", refusing("daily request count exceeded, request rate limited", -32005)],
    [
      "with one object for whatever it was asked",
      () => ({ body: { id: null, error: { code: -32001, message: "Unauthorized" } } }),
    ],
    [
      "with a text where an object should be",
      () => ({ body: { error: "message: API key disabled, reason: tenant disabled, json-rpc code: -32051" } }),
    ],
    ["with HTTP 401 and a page", status(401, "<html>")],
    ["with HTTP 403 and JSON of its own", status(403, { error: "message: API key disabled" })],
    [
      "with HTTP 401 and words that nobody knows",
      ([call]) => ({ status: 401, body: { id: call?.id, error: { code: -1, message: "oh no" } } }),
    ],
    [
      "with HTTP 429 and a quota of a month",
      ([call]) => ({
        status: 429,
        body: { id: call?.id, error: { code: 429, message: "Monthly capacity limit exceeded." } },
      }),
    ],
  ])("is left for the next one, once and for all, and told of once: %s", async (_, reply) => {
    const { endpoints, events, asked, reports } = await openEndpointStage([first(1, a, reply), b]);
    expect(await endpoints.call("eth_call")).toBe("a");
    for (let turn = 0; turn < 3; turn++) expect(await endpoints.call("eth_call")).toBe("b");
    expect((await endpoints.batch(callsOf("eth_call", "eth_chainId"))).map(resultOf)).toEqual(["b", "0x42f"]);
    expect(asked()).toEqual([2, 4]);
    expect(events()).toEqual(["0 refused", "1 chosen"]);
    expect(endpoints.health().map(({ state, isRefusing }) => [state, isRefusing])).toEqual([
      ["cooling", true],
      ["healthy", false],
    ]);
    const [told] = reports;
    if (told?.type !== "endpoint" || told.event !== "refused") return expect.unreachable();
    expect(told.error).toMatchObject({ code: "ACCOUNT_REFUSED" });
    expect(describeError(told.error)).toMatch(/look at its key, its plan and its bill/);
  });

  it("is asked again after its cool-down, and is back when it answers more than its chain", async () => {
    let isPaid = false;
    const well = answering(({ method }) => (method === "eth_chainId" ? "0x42f" : "0x42"));
    const reply: Reply = (calls) =>
      calls.some(({ method }) => method !== "eth_chainId") && !isPaid ? revoked(calls) : well(calls);
    const { endpoints, events, pass, asked, names } = await openEndpointStage([reply, well], { chainId: 1071 });
    expect(await endpoints.call("eth_blockNumber")).toBe("0x42");
    for (const cool of [30_000, 60_000, 120_000]) {
      expect(endpoints.health()[0]).toMatchObject({ state: "cooling", forMs: cool, isRefusing: true });
      await pass(cool);
      await expect(endpoints.pin(names[0]).call("eth_call")).rejects.toThrow(/refuses the key/);
    }
    expect(asked("eth_chainId")).toEqual([4, 1]);
    isPaid = true;
    await pass(240_000);
    await endpoints.call("eth_blockNumber");
    await expect.poll(() => endpoints.health()[0]?.isRefusing).toBe(false);
    expect(events()).toEqual(["0 refused", "0 up"]);
  });

  it("does again what it refused with such a word before the rest, when it is back", async () => {
    const { endpoints, pass, asked } = await openEndpointStage([first(2, refusing("Unauthorized"), a)]);
    await expect(endpoints.call("eth_getLogs")).rejects.toThrow("Unauthorized");
    expect(endpoints.each()[0]?.lacks(callsOf("eth_getLogs"))).toBe(true);
    await expect(endpoints.call("eth_call")).rejects.toMatchObject({ code: "ACCOUNT_REFUSED" });
    expect(endpoints.each()[0]?.lacks(callsOf("eth_getLogs"))).toBe(false);
    await pass(30_000);
    expect(await endpoints.call("eth_getLogs")).toBe("a");
    expect(asked()).toEqual([3]);
  });

  it("is told of though it was down before", async () => {
    const { endpoints, events } = await openEndpointStage([first(1, down, revoked), b]);
    await endpoints.call("eth_call");
    await expect(endpoints.pin(endpoints.each()[0]?.name).call("eth_call")).rejects.toThrow(RetryableError);
    expect(events()).toEqual(["0 down", "0 refused"]);
  });

  it("is an endpoint that does not answer where there is no other", async () => {
    const { endpoints } = await openEndpointStage([revoked]);
    await expect(endpoints.call("eth_call")).rejects.toMatchObject({
      code: "ACCOUNT_REFUSED",
      message: expect.stringMatching(/^the endpoint 127\.0\.0\.1:\d+ refuses the key, or the plan has ended$/),
    });
  });

  it("is no such one where it answers the rest, but its chain: another one is asked for the whole", async () => {
    const { endpoints, events } = await openEndpointStage([without("eth_call", a, "Unauthorized", -32001), b]);
    expect((await endpoints.batch(callsOf("eth_blockNumber", "eth_call"))).map(resultOf)).toEqual(["b", "b"]);
    expect([endpoints.health()[0]?.state, events()]).toEqual(["healthy", []]);
    expect((await endpoints.batch(callsOf("eth_chainId", "eth_call"))).map(resultOf)).toEqual(["0x42f", "b"]);
    expect([endpoints.health()[0]?.state, events()]).toEqual(["cooling", ["0 refused", "1 chosen"]]);
  });
});

describe("a transaction", () => {
  it("is taken by another endpoint where one refuses the key", async () => {
    const { endpoints, asked, events } = await openEndpointStage([revoked, b]);
    expect(await endpoints.call("eth_sendRawTransaction", raw)).toBe("b");
    expect([asked(), events()]).toEqual([[1, 1], ["0 refused"]]);
  });

  it("goes to the ones that cool down where the others refuse the key, and none has looked at it", async () => {
    const { endpoints, asked } = await openEndpointStage([first(1, down, b), revoked]);
    await endpoints
      .pin()
      .call("eth_call")
      .catch(() => undefined);
    expect(await endpoints.broadcast(raw)).toBe("b");
    expect(asked()).toEqual([2, 1]);
  });

  it("does not where one gave its word on it", async () => {
    const { endpoints, asked } = await openEndpointStage([first(1, down, b), refusing("nonce too low")]);
    await endpoints
      .pin()
      .call("eth_call")
      .catch(() => undefined);
    await expect(endpoints.broadcast(raw)).rejects.toThrow("nonce too low");
    expect(asked()).toEqual([1, 1]);
  });

  it("is refused by nobody where all refuse the key: that is silence", async () => {
    const { endpoints } = await openEndpointStage([revoked, refusing("quota exceeded")]);
    const error = await endpoints.call("eth_sendRawTransaction", raw).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(RetryableError);
    expect(error).not.toBeInstanceOf(RpcError);
  });

  const sends = [1, 2, 3].map((n) => ({ method: "eth_sendRawTransaction", params: [`0x0${n}`] }));

  const usedUp = { code: -32005, message: "daily request count exceeded, request rate limited" };
  it.each<[string, Reply]>([
    ["refuses the key", revoked],
    ["does not take transactions", without("eth_sendRawTransaction", a)],
    [
      "has its quota used up in the middle of them",
      (some) => ({ body: some.map(({ id }, index) => (index === 0 ? { id, result: "a" } : { id, error: usedUp })) }),
    ],
  ])("of several in one request goes to another endpoint with them where one %s", async (_, reply) => {
    const { endpoints, asked } = await openEndpointStage([reply, b]);
    expect((await endpoints.batch(sends)).map(resultOf)).toEqual(["b", "b", "b"]);
    expect(asked()).toEqual([1, 1]);
  });

  it.each([
    "insufficient funds for gas * price + value",
    "nonce too low",
    "Sender account not authorized to send transactions",
  ])("of several keeps the node's word on it: %s", async (message) => {
    const { endpoints, asked } = await openEndpointStage([refusing(message), b]);
    for (const answer of await endpoints.batch(sends)) expect(() => resultOf(answer)).toThrow(message);
    await expect.poll(() => asked()).toEqual([1, 1]);
  });
});

describe("an endpoint that does not do a call", () => {
  it("is left for that call alone, is not asked for it each time, and keeps the rest", async () => {
    const { endpoints, asked, events, names, pass } = await openEndpointStage([without("eth_feeHistory", a), b]);
    for (let turn = 0; turn < 3; turn++) {
      const answers = await endpoints.batch(callsOf("eth_chainId", "eth_feeHistory"));
      expect(answers.map(resultOf)).toEqual(["0x42f", "b"]);
      expect(await endpoints.call("eth_call")).toBe("a");
    }
    expect(asked()).toEqual([4, 3]);
    expect([endpoints.name, events()]).toEqual([names[0], ["0 lacks"]]);
    // It may have learnt it.
    await pass(600_000);
    await endpoints.batch(callsOf("eth_feeHistory"));
    expect([asked("eth_feeHistory"), events()]).toEqual([[1, 1], ["0 lacks"]]);
  });

  it("may be one that answers it with nothing: passed over for it, it is not asked again because of such an answer", async () => {
    const nothing = answering(({ method }) => (method === "eth_getTransactionReceipt" ? null : "a"));
    const { endpoints, events, names, pass } = await openEndpointStage([nothing, first(3, b, first(1, down, b))]);
    const receipt = async () => (await endpoints.batch(callsOf("eth_getTransactionReceipt"))).map(resultOf);
    expect(await receipt()).toEqual([null]);
    const isTrueOf = async (each: HttpRpc) => (await each.call("eth_getTransactionReceipt")) === null;
    const passOver = () => endpoints.passOver("eth_getTransactionReceipt", new Error("another one has it"), isTrueOf);
    // Of several at once, none is said of an endpoint that took its place meanwhile.
    await Promise.all([passOver(), passOver()]);
    await passOver();
    for (const answer of ["b", "b", null]) expect(await receipt()).toEqual([answer]);
    await pass(30_000);
    expect(await receipt()).toEqual(["b"]);
    expect(await endpoints.call("eth_blockNumber")).toBe("a");
    expect([endpoints.name, events()]).toEqual([names[0], ["0 lacks", "1 down", "1 up"]]);
  });

  it("is asked last where all others fail", async () => {
    const { endpoints } = await openEndpointStage([without("eth_feeHistory", a), first(1, b, down)]);
    for (const [fee, what] of [
      ["b", "the other"],
      [undefined, "a refusal"],
    ] as const) {
      const [, answer] = await endpoints.batch(callsOf("eth_chainId", "eth_feeHistory"));
      expect([what, answer && "result" in answer ? answer.result : undefined]).toEqual([what, fee]);
    }
  });

  it("gives the first refusal where none does it, and nobody else is asked again for a while", async () => {
    const replies = ["one", "two", "three"].map((name) =>
      without("debug_traceTransaction", a, `${name}: method not found`),
    );
    const { endpoints, asked, events } = await openEndpointStage(replies);
    for (let turn = 0; turn < 3; turn++)
      await expect(endpoints.call("debug_traceTransaction")).rejects.toThrow("one: method not found");
    expect(asked()).toEqual([3, 1, 1]);
    expect(events()).toEqual(["0 lacks", "1 lacks", "2 lacks"]);
  });

  it("is the word of those that refuse less, where all refuse something, and nobody is asked for what he is known to refuse", async () => {
    const lesser = (reply: Reply) => without("eth_maxPriorityFeePerGas", reply);
    const { endpoints, asked } = await openEndpointStage([
      lesser(without("eth_getBalance", a, "Internal error", -32603)),
      lesser(b),
      lesser(answering(() => "c")),
    ]);
    for (let turn = 0; turn < 3; turn++) {
      const [balance, tip] = await endpoints.batch(callsOf("eth_getBalance", "eth_maxPriorityFeePerGas"));
      expect(balance).toEqual({ result: "b" });
      expect(tip && "error" in tip).toBe(true);
    }
    expect(asked("eth_getBalance")).toEqual([3, 3, 1]);
  });

  it("teaches nothing of batches, though it refuses them with the code of an invalid request", async () => {
    const reply = refusing("eth_getBlockReceipts is not available on the Free tier", -32600);
    const { endpoints } = await openEndpointStage([reply, b]);
    const answers = await endpoints.batch(callsOf("eth_getBlockReceipts", "eth_getBlockReceipts"));
    expect([answers.map(resultOf), endpoints.health()[0]?.batchSize]).toEqual([["b", "b"], 100]);
  });

  it("is asked for the next block's state, whatever old one it has dropped: others are asked for that, all of them", async () => {
    const pruned =
      (state: Reply): Reply =>
      (calls) =>
        (calls[0]?.params[0] === "old" ? refusing("missing trie node ab (path )") : state)(calls);
    const { endpoints, asked } = await openEndpointStage([pruned(a), pruned(b), answering(() => "c")]);
    expect(await endpoints.call("eth_call", "old")).toBe("c");
    expect(await endpoints.call("eth_call", "new")).toBe("a");
    expect(asked()).toEqual([2, 1, 1]);
  });

  it("is not left where it asks for fewer blocks, but where a single one is too much for it", async () => {
    const { endpoints, asked } = await openEndpointStage([
      without("eth_getLogs", a, "query returned more than 10000 results", -32005),
      b,
    ]);
    await expect(endpoints.call("eth_getLogs", { fromBlock: "0x1", toBlock: "0x9" })).rejects.toThrow(
      /more than 10000/,
    );
    expect(asked()).toEqual([1, 0]);
    expect(await endpoints.call("eth_getLogs", { fromBlock: "0x9", toBlock: "0x9" })).toBe("b");
  });

  it.each([
    ["eth_getTransactionReceipt", -32000, "transaction indexing is in progress"],
    ["eth_getTransactionCount", -32603, "Internal error"],
    ["eth_getBlockByNumber", -32000, "backend failed"],
    ["eth_blockNumber", -32603, "Internal error"],
  ])(
    "is left for a question in which no contract has a say, whatever it says, and asked again: %s",
    async (method, code, message) => {
      const block = answering(() => (method === "eth_getBlockByNumber" ? { number: "0x9", hash: hashOf(9) } : "0x9"));
      const { endpoints, asked } = await openEndpointStage([without(method, a, message, code), block]);
      for (let turn = 0; turn < 2; turn++) await endpoints.call(method, "latest");
      expect(asked(method)).toEqual([2, 2]);
      const mistaken = await openEndpointStage([without(method, a, "invalid argument 0", -32602), block]);
      await expect(mistaken.endpoints.call(method, "latest")).rejects.toThrow("invalid argument");
    },
  );

  it("is no way around a block that is not there yet", async () => {
    const block = { number: "0x9", hash: hashOf(9) };
    const behind = answering(({ method }) =>
      method === "eth_blockNumber" ? "0x9" : method === "eth_getLogs" ? [] : null,
    );
    const { endpoints } = await openEndpointStage([
      without(
        "eth_getLogs",
        answering(({ method }) => (method === "eth_blockNumber" ? "0x9" : block)),
      ),
      behind,
    ]);
    await endpoints.call("eth_blockNumber");
    await endpoints.each()[1]?.call("eth_blockNumber");
    const range = [
      { method: "eth_getLogs", params: [] },
      { method: "eth_getBlockByNumber", params: ["0x9", false] },
    ];
    const [logs] = await endpoints.batch(range);
    expect(() => resultOf(logs)).toThrow(/does not exist/);
    expect((await endpoints.batch(range)).map(resultOf)).toEqual([[], null]);
  });

  it("is no second opinion, and neither is the one that did it in its place, unless nobody else does", async () => {
    const { endpoints } = await openEndpointStage([without("eth_getLogs", a), b, answering(() => "c")]);
    expect([await endpoints.call("eth_getLogs"), await endpoints.elsewhere.call("eth_getLogs")]).toEqual(["b", "c"]);
    expect(await endpoints.elsewhere.call("eth_call")).toBe("b");
    const two = await openEndpointStage([a, without("eth_getLogs", b)]);
    await expect(two.endpoints.elsewhere.call("eth_getLogs")).rejects.toThrow(RpcError);
    expect(await two.endpoints.elsewhere.call("eth_getLogs")).toBe("a");
  });

  it("is neither of two that are asked apart, where it reads contracts and tells of no block", async () => {
    const named = (name: string) =>
      answering(({ method }) => (method === "eth_getBlockByNumber" ? { number: "0x9", hash: name } : name));
    const { endpoints } = await openEndpointStage([without("eth_getBlockByNumber", a), named("b"), named("c")]);
    const reads = callsOf("eth_getBlockByNumber", "eth_call").map((call) => ({ ...call, params: ["0x9", false] }));
    await endpoints.batch(reads);
    const told = await Promise.all(endpoints.apart().map((each) => each.batch(reads)));
    expect(told.map(([, name]) => resultOf(name))).toEqual(["b", "c"]);
  });

  it("fails for itself where it is pinned", async () => {
    const { endpoints } = await openEndpointStage([without("eth_feeHistory", a), b]);
    await expect(endpoints.pin().call("eth_feeHistory")).rejects.toThrow(RpcError);
  });
});
