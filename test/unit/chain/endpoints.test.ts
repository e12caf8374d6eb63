import { describe, expect, it, onTestFinished } from "vitest";
import { createEndpoints, type Endpoints } from "../../../src/chain/endpoints/createEndpoints.ts";
import { longestAnswer } from "../../../src/chain/exchange.ts";
import { RpcError, resultOf } from "../../../src/chain/jsonRpc.ts";
import { asksForLess } from "../../../src/chain/rangeWidth.ts";
import { RetryableError } from "../../../src/errors.ts";
import type { Hex } from "../../../src/protocol/brand.ts";
import { answering, first, openEndpointStage, type Reply, refusing } from "../../support/endpointStage.ts";
import { hashOf } from "../../support/fakeChain.ts";
import { startRpcServer } from "../../support/rpcServer.ts";
import { createVirtualTime } from "../../support/virtualTime.ts";

const down: Reply = () => ({ status: 503, body: "busy" });
const hangs: Reply = () => undefined;
const a = answering(() => "a");
const b = answering(() => "b");
const calls = (count: number, method = "eth_call") =>
  Array.from({ length: count }, (_, index) => ({ method, params: [index] }));
const raw = "0x02" as Hex;
const block9 = { number: "0x9", hash: hashOf(9) };

describe("the choice", () => {
  it.each<[string, Reply]>([
    ["answers 503", down],
    ["answers 429", () => ({ status: 429, body: "" })],
    ["answers with a page", () => ({ body: "<html>" })],
    ["hangs", hangs],
    ["is over its limit, in JSON-RPC", refusing("daily request count exceeded, request rate limited", -32005)],
  ])("goes to the next endpoint where one %s, and stays there", async (_, reply) => {
    const { endpoints, events, asked } = await openEndpointStage([reply, b], {
      timeoutMs: reply === hangs ? 1_000 : 5_000,
    });
    expect(await endpoints.call("eth_call")).toBe("b");
    expect(await endpoints.call("eth_call")).toBe("b");
    expect(asked()).toEqual([1, 2]);
    expect(events()).toHaveLength(1);
    expect(endpoints.name).toBe(endpoints.each()[1]?.name);
  });

  it("takes a refusal for an answer", async () => {
    const { endpoints, asked } = await openEndpointStage([refusing("execution reverted", 3), b]);
    await expect(endpoints.call("eth_call")).rejects.toThrow(RpcError);
    expect(asked()).toEqual([1, 0]);
  });

  it("takes a contract's words for no word of the node's", async () => {
    const { endpoints, asked } = await openEndpointStage([
      refusing("execution reverted: rate limit, header not found"),
      b,
    ]);
    await expect(endpoints.call("eth_call")).rejects.toThrow(RpcError);
    expect(asked()).toEqual([1, 0]);
  });

  it("lets one query's limit pass, for the scanner to ask for less", async () => {
    const { endpoints, asked } = await openEndpointStage([
      refusing("query returned more than 10000 results", -32005),
      b,
    ]);
    await expect(endpoints.call("eth_getLogs")).rejects.toThrow(RpcError);
    expect(asked()).toEqual([1, 0]);
  });

  it("never spreads a batch over two endpoints, though it is cut into pieces", async () => {
    const { endpoints, asked } = await openEndpointStage([first(2, a, down), b], { batchSize: 10 });
    const answers = await endpoints.batch(calls(45));
    expect(new Set(answers.map(resultOf))).toEqual(new Set(["b"]));
    expect(answers).toHaveLength(45);
    expect(asked()[1]).toBe(5);
  });

  it("fails retryably when nobody answers, names all and shows no credential", async () => {
    const { endpoints } = await openEndpointStage([down, down]);
    const error = await endpoints.call("eth_call").catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(RetryableError);
    expect((error as Error).message).toMatch(/^none of 2 endpoints answered: .*HTTP 503.*; .*HTTP 503/);
  });

  it("asks an endpoint that fails again only after its cool-down, which grows", async () => {
    const { endpoints, asked, pass, events } = await openEndpointStage([down, answering(() => "0x1")]);
    await endpoints.call("eth_call");
    expect(endpoints.health()[0]).toMatchObject({ state: "cooling", forMs: 30_000 });
    await pass(29_000);
    await endpoints.call("eth_blockNumber");
    expect(asked()).toEqual([1, 2]);
    await pass(1_000);
    // It may be asked again, and has not answered.
    expect(endpoints.health()[0]).toMatchObject({ state: "healthy", failuresInRow: 1 });
    // The head of the other one is compared in the background: that is the try.
    await endpoints.call("eth_blockNumber");
    await expect.poll(() => endpoints.health()[0]?.forMs).toBe(60_000);
    expect(endpoints.health().map(({ failuresInRow }) => failuresInRow)).toEqual([2, 0]);
    expect(events()).toEqual(["0 down"]);
  });

  it("asks the only endpoint whether it failed or not", async () => {
    const { endpoints, events } = await openEndpointStage([first(1, down, a)]);
    await expect(endpoints.call("eth_call")).rejects.toThrow(/HTTP 503/);
    expect(endpoints.health()[0]?.failuresInRow).toBe(1);
    expect(await endpoints.call("eth_call")).toBe("a");
    expect(endpoints.health()[0]?.failuresInRow).toBe(0);
    expect(events()).toEqual(["0 down", "0 up"]);
  });

  it("counts many failures at once as one", async () => {
    const { endpoints } = await openEndpointStage([down]);
    await Promise.allSettled(Array.from({ length: 30 }, () => endpoints.call("eth_call")));
    expect(endpoints.health()[0]?.forMs).toBe(30_000);
  });

  it("asks elsewhere, once, for a block that an endpoint lacks", async () => {
    const { endpoints, asked } = await openEndpointStage([
      refusing("header not found"),
      refusing("header not found"),
      b,
    ]);
    await expect(endpoints.call("eth_call")).rejects.toThrow(/header not found/);
    expect(asked()).toEqual([1, 1, 0]);
  });

  it("asks elsewhere for a block below the newest head, and not for one above", async () => {
    const behind = answering(({ method }) => (method === "eth_blockNumber" ? "0x5" : null));
    const ahead = answering(({ method, params }) =>
      method === "eth_blockNumber" ? "0x9" : params[0] === "0x9" ? block9 : null,
    );
    const { endpoints, asked } = await openEndpointStage([behind, ahead]);
    for (const endpoint of endpoints.each()) await endpoint.call("eth_blockNumber");
    expect(await endpoints.call("eth_getBlockByNumber", "0x9", false)).toEqual(block9);
    expect(await endpoints.call("eth_getBlockByNumber", "0xa", false)).toBeNull();
    expect(asked("eth_getBlockByNumber")).toEqual([2, 1]);
  });

  it("leaves an endpoint whose head hangs behind, though nobody complains", async () => {
    let number = 16;
    const stuck = answering(() => "0x10");
    const moving = answering(() => `0x${number.toString(16)}`);
    const { endpoints, names, pass, events } = await openEndpointStage([stuck, moving], { cooldownMs: 1_000 });
    const chosen: string[] = [];
    for (let round = 0; round < 40 && chosen.at(-1) !== names[1]; round++, number += 5) {
      await endpoints.call("eth_blockNumber");
      await pass(1_000);
      chosen.push(endpoints.name);
    }
    await endpoints.call("eth_blockNumber");
    expect([chosen[0], chosen.at(-1)]).toEqual([names[0], names[1]]);
    expect(events()).toEqual(["1 chosen"]);
  });
});

describe("pinned reads", () => {
  it("all go to one endpoint, or fail", async () => {
    const { endpoints, asked } = await openEndpointStage([first(1, a, down), b]);
    const pinned = endpoints.pin();
    expect(await pinned.call("eth_call")).toBe("a");
    await expect(pinned.call("eth_call")).rejects.toThrow(RetryableError);
    expect(asked()).toEqual([2, 0]);
    expect(endpoints.pin().name).toBe(endpoints.each()[1]?.name);
  });

  it("may be repeated elsewhere", async () => {
    const { endpoints, names } = await openEndpointStage([a, b]);
    expect(await endpoints.call("eth_call")).toBe("a");
    expect(await endpoints.elsewhere.call("eth_call")).toBe("b");
    expect(endpoints.others(names[0] ?? "").map(({ name }) => name)).toEqual([names[1]]);
    expect(await endpoints.call("eth_call")).toBe("a");
  });

  it("are repeated at the same endpoint where there is no other", async () => {
    const { endpoints } = await openEndpointStage([a]);
    expect(await endpoints.elsewhere.call("eth_call")).toBe("a");
    expect(await Promise.all(endpoints.apart().map((each) => each.call("eth_call")))).toEqual(["a", "a"]);
  });

  it("are two opinions of two endpoints, also in the request in which the first one fails", async () => {
    const { endpoints, asked } = await openEndpointStage([first(1, a, down), b]);
    expect(await endpoints.call("eth_call")).toBe("a");
    const opinions = await Promise.allSettled(endpoints.apart().map((each) => each.call("eth_call")));
    expect(opinions).toMatchObject([{ status: "rejected" }, { status: "fulfilled", value: "b" }]);
    expect(asked()).toEqual([2, 1]);
    const again = await Promise.allSettled(endpoints.apart().map((each) => each.call("eth_call")));
    expect(again).toMatchObject([{ status: "fulfilled", value: "b" }, { status: "rejected" }]);
  });

  it("are two opinions of the chosen endpoint and of whichever other one answers", async () => {
    const { endpoints } = await openEndpointStage([a, down, b]);
    expect(await Promise.all(endpoints.apart().map((each) => each.call("eth_call")))).toEqual(["a", "b"]);
  });
});

describe("a transaction", () => {
  it("goes to all endpoints at once, and is accepted where one accepts", async () => {
    const { endpoints, asked } = await openEndpointStage([hangs, refusing("nonce too low"), answering(() => "0xabc")]);
    expect(await endpoints.call("eth_sendRawTransaction", raw)).toBe("0xabc");
    await expect.poll(() => asked("eth_sendRawTransaction")).toEqual([1, 1, 1]);
  });

  it.each([
    ["already known", ["nonce too low", "already known", "insufficient funds"]],
    ["nonce too low", ["insufficient funds", "nonce too low"]],
    ["insufficient funds", ["the method eth_sendRawTransaction does not exist/is not available", "insufficient funds"]],
  ])("is answered with %s where the endpoints refuse with %j", async (told, messages) => {
    const { endpoints } = await openEndpointStage(messages.map((message) => refusing(message)));
    await expect(endpoints.call("eth_sendRawTransaction", raw)).rejects.toThrow(told);
  });

  it("is answered by a refusal rather than by silence, and by silence retryably", async () => {
    const mixed = await openEndpointStage([down, refusing("intrinsic gas too low")]);
    await expect(mixed.endpoints.broadcast(raw)).rejects.toThrow(/intrinsic gas/);
    const silent = await openEndpointStage([down, down]);
    await expect(silent.endpoints.broadcast(raw)).rejects.toThrow(RetryableError);
  });

  it("goes to endpoints that cool down, where no other is left", async () => {
    const { endpoints } = await openEndpointStage([
      first(
        1,
        down,
        answering(() => "0x1"),
      ),
    ]);
    await endpoints.call("eth_call").catch(() => undefined);
    expect(await endpoints.broadcast(raw)).toBe("0x1");
  });
});

describe("limits", () => {
  it.each([
    ["in seconds", "2", 2_000],
    ["as a date", new Date(4_000).toUTCString(), 4_000],
    ["not at all", undefined, 1_000],
  ])("honours a pause that is asked for %s", async (_, header, pauseMs) => {
    const limited: Reply = () => ({ status: 429, body: "", ...(header && { headers: { "retry-after": header } }) });
    const { endpoints, pass, asked, clock } = await openEndpointStage([first(1, limited, a)], { timeoutMs: 10_000 });
    await expect(endpoints.call("eth_call")).rejects.toThrow(/HTTP 429/);
    expect(endpoints.health()[0]).toMatchObject({ state: "limited", forMs: pauseMs, failureRate: 0 });
    const answer = endpoints.call("eth_call").then((result) => [result, clock.now()]);
    await pass(pauseMs - 100);
    expect(asked()).toEqual([1]);
    // The clock stands while the answer is on its way.
    await pass(100);
    expect(await answer).toEqual(["a", pauseMs]);
  });

  it("fails at once where the pause is longer than a request may take", async () => {
    const { endpoints } = await openEndpointStage([
      () => ({ status: 429, body: "", headers: { "retry-after": "60" } }),
    ]);
    await expect(endpoints.call("eth_call")).rejects.toThrow(/HTTP 429/);
    await expect(endpoints.call("eth_call")).rejects.toMatchObject({ code: "RATE_LIMITED" });
  });

  it.each([
    ["Too many requests, try again later", -32000, false],
    ["rate limit exceeded", -32005, false],
    ["limit exceeded", -32005, true],
  ])("that are refused with %j (%i) ask for a narrower range of logs: %s", async (message, code, expected) => {
    const { endpoints } = await openEndpointStage([refusing(message, code)]);
    const error = await endpoints.call("eth_getLogs").catch((caught: unknown) => caught as RetryableError);
    expect(asksForLess((error as RetryableError).message)).toBe(expected);
    expect(error).toMatchObject({ code: "RATE_LIMITED", cause: { message } });
  });

  it("spaces requests out by itself", async () => {
    const { endpoints, pass, asked } = await openEndpointStage([a], { rateLimit: 5, timeoutMs: 60_000 });
    const all = Promise.all(Array.from({ length: 10 }, () => endpoints.call("eth_call")));
    await pass(1_000);
    await expect.poll(() => asked()).toEqual([6]);
    await pass(1_000);
    await all;
    expect(asked()).toEqual([10]);
  });
});

describe("batches", () => {
  const noBatches: [string, Reply][] = [
    ["an error object", () => ({ body: { id: null, error: { code: -32600, message: "invalid request" } } })],
    ["HTTP 400", () => ({ status: 400, body: "no arrays" })],
    ["an error for each call", refusing("batch requests are not supported")],
  ];
  it.each(noBatches)("become single calls where they are refused with %s", async (_, refusal) => {
    const reply: Reply = (given) => (given.length > 1 ? refusal : answering(({ params }) => params[0]))(given);
    const { endpoints, events, asked } = await openEndpointStage([reply]);
    expect((await endpoints.batch(calls(5))).map(resultOf)).toEqual([0, 1, 2, 3, 4]);
    await endpoints.batch(calls(5));
    expect(asked()).toEqual([11]);
    expect([endpoints.health()[0]?.batchSize, events()]).toEqual([1, ["0 batch"]]);
  });

  it.each<[string, Reply]>([
    ["an error", refusing("batch too large")],
    ["an error under the first id", ([call]) => ({ body: [{ id: call?.id, error: { message: "batch too large" } }] })],
    ["HTTP 413", () => ({ status: 413, body: "" })],
  ])("shrink until they pass where they are too large: %s", async (_, refusal) => {
    const reply: Reply = (given) => (given.length > 20 ? refusal : answering(({ params }) => params[0]))(given);
    const { endpoints, pass } = await openEndpointStage([reply]);
    const numbers = Array.from({ length: 100 }, (_, index) => index);
    expect((await endpoints.batch(calls(100))).map(resultOf)).toEqual(numbers);
    expect(endpoints.health()[0]?.batchSize).toBe(12);
    await pass(600_000);
    expect(endpoints.health()[0]?.batchSize).toBe(100);
  });

  it.each<[string, number, Reply]>([
    ["are none", 1, hangs],
    ["are refused", 100, (given) => (given.length > 1 ? { status: 400, body: "no arrays" } : undefined)],
  ])("that %s have a range's last block answered before its logs are asked for", async (_, batchSize, reply) => {
    const range = [
      { method: "eth_getBlockByNumber", params: ["0x9", false] },
      { method: "eth_getLogs", params: [{ fromBlock: "0x1", toBlock: "0x9" }] },
    ];
    const { endpoints, asked } = await openEndpointStage([reply], { batchSize, timeoutMs: 300 });
    await expect(endpoints.batch(range)).rejects.toThrow(RetryableError);
    expect(asked("eth_getLogs")).toEqual([0]);
    const willing = await openEndpointStage([answering(({ method }) => (method === "eth_getLogs" ? [] : block9))], {
      batchSize,
    });
    expect((await willing.endpoints.batch(range)).map(resultOf)).toEqual([block9, []]);
  });
});

describe("answers that are too long to be read", () => {
  const long: Reply = answering(() => "x".repeat(3 * 1024 * 1024));
  const lengths = async (endpoints: Endpoints, method: string) => {
    const four = Array.from({ length: 4 }, () => ({ method, params: [] }));
    return (await endpoints.batch(four)).map((answer) => (resultOf(answer) as string).length);
  };

  it("are asked for in halves, and the endpoint gets smaller batches from then on", async () => {
    const { endpoints, asked, events } = await openEndpointStage([long]);
    expect(await lengths(endpoints, "eth_call")).toEqual(Array(4).fill(3 * 1024 * 1024));
    expect([asked(), endpoints.health()[0]?.batchSize, events()]).toEqual([[3], 2, ["0 batch"]]);
  });

  it("teach nothing of the endpoint where they are logs", async () => {
    const { endpoints, asked, events } = await openEndpointStage([long]);
    expect(await lengths(endpoints, "eth_getLogs")).toEqual(Array(4).fill(3 * 1024 * 1024));
    expect([asked(), endpoints.health()[0]?.batchSize, events()]).toEqual([[3], 100, []]);
  });

  it("of a range of logs say that less is to be asked for, and are not asked for twice", async () => {
    const { endpoints, asked, events } = await openEndpointStage([answering(() => "x".repeat(longestAnswer))]);
    const range = [
      { method: "eth_getLogs", params: [] },
      { method: "eth_getBlockByNumber", params: [] },
    ];
    const error = await endpoints.batch(range).catch((caught: unknown) => caught as RetryableError);
    expect(error).toMatchObject({ code: "ANSWER_TOO_LONG", message: expect.toSatisfy(asksForLess) });
    expect([asked(), endpoints.health()[0]?.batchSize, events()]).toEqual([[1], 100, []]);
  });

  it("of one endpoint leave the others to be asked", async () => {
    const { endpoints, events } = await openEndpointStage([
      () => ({ body: `[${"{},".repeat(longestAnswer / 3)}{}]` }),
      a,
    ]);
    expect(await endpoints.call("eth_call")).toBe("a");
    expect(events()).toEqual(["0 down"]);
  });
});

describe("an endpoint on another chain", () => {
  const onChain = (id: number, reply: unknown) =>
    answering(({ method }) => (method === "eth_chainId" ? `0x${id.toString(16)}` : reply));

  it("is not believed, even if it was down at the start", async () => {
    const { endpoints, names, asked, events } = await openEndpointStage([onChain(5, "a"), onChain(1071, "b")], {
      chainId: 1071,
    });
    expect(await endpoints.call("eth_call")).toBe("b");
    expect(asked("eth_call")).toEqual([0, 1]);
    expect(asked("eth_chainId")).toEqual([1, 1]);
    expect(events()).toEqual(["0 down"]);
    await expect(endpoints.pin(names[0]).call("eth_call")).rejects.toMatchObject({ code: "CHAIN_ID_MISMATCH" });
  });

  it("is found out after a failure too", async () => {
    const moved = first(2, onChain(1071, "a"), first(1, down, onChain(5, "a")));
    const { endpoints } = await openEndpointStage([moved], { chainId: 1071 });
    expect(await endpoints.call("eth_call")).toBe("a");
    await expect(endpoints.call("eth_call")).rejects.toThrow(/503/);
    await expect(endpoints.call("eth_call")).rejects.toThrow(/serves chain 5, not chain 1071/);
  });
});

it("numbers endpoints that share a host, and tells of every head", async () => {
  const { url } = await startRpcServer(answering(() => "0x20")).then((server) => {
    onTestFinished(server.stop);
    return server;
  });
  const { clock } = createVirtualTime();
  const options = { clock, random: Math.random, timeoutMs: 1_000, rateLimit: 0, batchSize: 1, cooldownMs: 1e9 };
  const endpoints = createEndpoints({ ...options, urls: [`${url}/v1/x`, `${url}/v1/y`], report: () => undefined });
  const heads: bigint[] = [];
  endpoints.head$.subscribe((head) => heads.push(head));
  const host = new URL(url).host;
  expect(endpoints.each().map(({ name }) => name)).toEqual([host, `${host}#2`]);
  await endpoints.call("eth_blockNumber");
  await expect.poll(() => heads).toEqual([32n, 32n]);
});
