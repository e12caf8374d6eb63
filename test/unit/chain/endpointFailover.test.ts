import { describe, expect, it } from "vitest";
import { createEndpoints, type EndpointsOptions } from "../../../src/chain/endpoints/createEndpoints.ts";
import { EndpointError } from "../../../src/chain/endpoints/endpointError.ts";
import { blockToShow, mostAhead } from "../../../src/chain/endpoints/farHead.ts";
import { type HttpRpc, type RpcCall, RpcError } from "../../../src/chain/jsonRpc.ts";
import type { Hex } from "../../../src/protocol/brand.ts";
import { answering, first, openEndpointStage, type Reply, refusing } from "../../support/endpointStage.ts";
import { hashOf } from "../../support/fakeChain.ts";
import { createVirtualTime } from "../../support/virtualTime.ts";

const open = async (replies: readonly Reply[], options: Partial<EndpointsOptions> = {}) => {
  const stage = await openEndpointStage(replies, options);
  const fail = (index: number) => expect(stage.endpoints.each()[index]?.call("eth_call")).rejects.toThrow();
  return { ...stage, fail };
};

const [a, b] = ["a", "b"].map((word) => answering(() => word)) as [Reply, Reply];
const down: Reply = () => ({ status: 503, body: "busy" });
const noKey = refusing("invalid api key", -32001);
const calls = (count: number, method = "eth_call"): readonly RpcCall[] =>
  Array.from({ length: count }, (_, index) => ({ method, params: [`0x0${index}`] }));
const send = "eth_sendRawTransaction";

describe("what a contract says", () => {
  it("makes no batch smaller: its words are in every answer", async () => {
    const { endpoints, asked, events } = await open([refusing("execution reverted: batch too large", 3)]);
    for (const answer of await endpoints.batch(calls(4))) expect(answer).toHaveProperty("error");
    expect([asked(), events(), endpoints.health()[0]?.batchSize]).toEqual([[1], [], 100]);
  });

  it("does not lead to another endpoint, though it speaks of state that is missing", async () => {
    const { endpoints, asked } = await open([refusing("execution reverted: missing trie node", 3), b]);
    await expect(endpoints.call("eth_call")).rejects.toThrow(RpcError);
    expect(asked()).toEqual([1, 0]);
  });
});

it("a batch of which one call alone was refused with a word on batches is answered", async () => {
  const { endpoints, asked } = await open([
    (some) => ({
      body: some.map(({ id }, index) =>
        index === 0 ? { id, error: { code: -32000, message: "batch limit exceeded" } } : { id, result: "a" },
      ),
    }),
  ]);
  const [refused, ...rest] = await endpoints.batch(calls(3));
  expect([refused, rest]).toEqual([{ error: expect.any(RpcError) }, [{ result: "a" }, { result: "a" }]]);
  expect([asked(), endpoints.health()[0]?.batchSize]).toEqual([[1], 100]);
});

describe("an endpoint's head", () => {
  const blockOf = (number: string) => ({ number, hash: hashOf(Number(number)) });

  it("is what it tells of its latest block, and no block that was asked for by its number", async () => {
    const { endpoints } = await open([
      answering(({ params: [tag] }) => blockOf(tag === "latest" ? "0x64" : (tag as string))),
    ]);
    for (const tag of ["latest", "0x5"]) await endpoints.call("eth_getBlockByNumber", tag, false);
    expect(endpoints.health()[0]).toMatchObject({ head: 100n, lag: 0 });
  });

  const far = answering(({ method, params: [tag] }) => {
    if (method === "eth_blockNumber") return "0x1388";
    return blockOf(tag === "latest" ? "0x1388" : tag === "finalized" ? "0x3e8" : (tag as string));
  });
  const lying: Reply = (some) => {
    const [call] = some;
    return (call?.params[0] === "0x1348" ? answering(() => null) : far)(some);
  };
  const near = answering(({ params: [tag] }) => {
    if (tag === undefined) return "0x3e8";
    return blockOf(String(tag).startsWith("0x") ? (tag as string) : "0x3e8");
  });
  const tagged = (...tags: readonly string[]): readonly RpcCall[] =>
    tags.map((tag) => ({ method: "eth_getBlockByNumber", params: [tag, false] }));

  it.each([[["latest", "finalized"]], [["finalized", "latest"]]])(
    "is the newest of several blocks that one request tells of, and has to be shown: %j",
    async (tags) => {
      const { endpoints, events } = await open([lying, near]);
      expect(await endpoints.batch(tagged(...tags))).toEqual(tags.map(() => ({ result: blockOf("0x3e8") })));
      expect(events()).toEqual(["0 ahead"]);
    },
  );

  it("has to be shown once, and is known as far as that afterwards", async () => {
    const { endpoints, asked } = await open([far, near], { cooldownMs: 1e9 });
    for (const endpoint of endpoints.each()) await endpoint.call("eth_blockNumber");
    for (let look = 0; look < 5; look++) await endpoints.each()[0]?.call("eth_blockNumber");
    expect(asked("eth_getBlockByNumber")).toEqual([1, 0]);
  });

  it("has to be shown by nobody who is asked for a block by its number", async () => {
    const { endpoints, asked } = await open([far, near], { cooldownMs: 1e9 });
    await endpoints.each()[0]?.batch(tagged("0x1388"));
    expect(asked("eth_getBlockByNumber")).toEqual([1, 0]);
  });

  it("has to be shown where it is more than so many blocks above all that is known", () => {
    expect([blockToShow(1_000n + mostAhead, 1_000n), blockToShow(1_001n + mostAhead, 1_000n)]).toEqual([
      undefined,
      1_065n,
    ]);
  });
});

it("an endpoint that fails, and asks for a pause, is left alone for as long as it says", async () => {
  const { endpoints, fail } = await open([() => ({ status: 503, headers: { "retry-after": "7" }, body: "busy" })]);
  await fail(0);
  expect(endpoints.health()[0]).toMatchObject({ state: "limited", forMs: 7_000, failuresInRow: 0 });
});

it("a block that an endpoint lacks is asked for once elsewhere, also where that endpoint fails", async () => {
  const { endpoints, asked } = await open([refusing("header not found"), down, b]);
  await expect(endpoints.call("eth_call")).rejects.toThrow("header not found");
  expect(asked()).toEqual([1, 1, 0]);
});

it("endpoints that read no contracts are no opinion on what a contract says, where others are", async () => {
  const readsNone: Reply = (some) =>
    (some.some(({ method }) => method === "eth_call") ? refusing("the method eth_call is not supported", -32601) : a)(
      some,
    );
  const { endpoints, names } = await open([readsNone, a, b]);
  expect(endpoints.apart()[0].name).toBe(names[0]);
  await endpoints.call("eth_call");
  const [one, another] = endpoints.apart();
  expect([one.name, await another.call("eth_call")]).toEqual([names[1], "b"]);
});

describe("where all endpoints have failed lately", () => {
  it("one that hangs is enough to wait for: the rest is asked the next time", async () => {
    const { clock, pass } = createVirtualTime();
    const asked: string[] = [];
    const hangs = ({ name }: { readonly name: string }): HttpRpc => ({
      name,
      call: () => expect.unreachable(),
      batch: async () => {
        asked.push(name);
        await pass(2_000);
        throw new EndpointError(`the endpoint ${name} did not answer`);
      },
    });
    const endpoints = createEndpoints({
      urls: ["http://a.example", "http://b.example"],
      ...{ clock, random: () => 0.5, rateLimit: 0, batchSize: 100, cooldownMs: 30_000, timeoutMs: 2_000 },
      ...{ report: () => undefined, connect: hangs },
    });
    await expect(endpoints.call("eth_call")).rejects.toThrow("none of 2 endpoints answered");
    expect(asked).toEqual(["a.example", "b.example"]);
    await expect(endpoints.call("eth_call")).rejects.toThrow("a.example did not answer");
    expect(asked).toEqual(["a.example", "b.example", "a.example"]);
  });
});

describe("an endpoint that cools down", () => {
  it("is asked for nothing but transactions where the others refuse the key", async () => {
    const { endpoints, asked, fail } = await open([first(1, down, a), noKey]);
    await fail(0);
    await expect(endpoints.call("eth_call")).rejects.toMatchObject({ code: "ACCOUNT_REFUSED" });
    expect(asked()).toEqual([1, 1]);
  });

  it("is sent no transactions where another one may have taken them, and did not answer", async () => {
    const { endpoints, asked, fail } = await open([first(1, down, a), down]);
    await fail(0);
    await expect(endpoints.batch(calls(2, send))).rejects.toThrow(/HTTP 503/);
    expect(asked()).toEqual([1, 1]);
  });
});

describe("a transaction by itself", () => {
  it("is answered by its refusal, as one of several is", async () => {
    const { endpoints } = await open([refusing("nonce too low"), refusing("transaction underpriced")]);
    expect(await endpoints.batch(calls(1, send))).toEqual([
      { error: expect.objectContaining({ message: "nonce too low" }) },
    ]);
  });

  it("goes before all that waits for its turn", async () => {
    const { endpoints, pass } = await open([a], { rateLimit: 5, timeoutMs: 60_000 });
    const done: string[] = [];
    const all = calls(5).map((_, index) => endpoints.call("eth_call").then(() => done.push(`read ${index}`)));
    all.push(endpoints.broadcast("0x02" as Hex).then(() => done.push("sent")));
    for (let turn = 0; turn < 5; turn++) {
      await pass(200);
      await expect.poll(() => done.length).toBeGreaterThan(turn);
    }
    expect(done.indexOf("sent")).toBeLessThan(2);
    await pass(2_000);
    await Promise.all(all);
  });
});
