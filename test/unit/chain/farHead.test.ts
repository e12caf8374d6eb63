import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { blockToShow, mostAhead } from "../../../src/chain/endpoints/farHead.ts";
import { toQuantity } from "../../../src/chain/wire.ts";
import { describeError } from "../../../src/errors.ts";
import { answering, openEndpointStage, type Reply, refusing } from "../../support/endpointStage.ts";
import { headAt } from "../../support/fakeChain.ts";
import type { RpcRequest } from "../../support/rpcServer.ts";

const wire = (number: bigint) => ({
  ...{ number: toQuantity(number), timestamp: "0x1" },
  ...{ hash: headAt(number).hash, parentHash: headAt(number - 1n).hash },
});
/** A node that has the blocks up to `has()`, and says that its head is `says()`. */
const node = (says: () => bigint, has: () => bigint = says): Reply =>
  answering(({ method, params }: RpcRequest) => {
    if (method === "eth_chainId") return "0x42f";
    if (method === "eth_blockNumber") return toQuantity(says());
    if (method !== "eth_getBlockByNumber") return "0x";
    if (params[0] === "latest" || params[0] === "finalized") return wire(says());
    const asked = BigInt(params[0] as string);
    return asked <= has() ? wire(asked) : null;
  });
const standing = (number: bigint) => node(() => number);

describe("what a head is believed on", () => {
  const jump = fc.bigInt({ min: 0n, max: 10n ** 9n });

  it("lets nobody lead away who cannot show a block, however small the steps", () => {
    fc.assert(
      fc.property(fc.array(jump), jump, (steps, known) => {
        let believed = known;
        for (const step of steps) if (blockToShow(believed + step, known) === undefined) believed += step;
        expect(believed - known).toBeLessThanOrEqual(mostAhead);
      }),
    );
  });

  it("asks an honest endpoint for a block that it has, which makes its head known, whatever it jumps", () => {
    fc.assert(
      fc.property(fc.array(jump), jump, (steps, others) => {
        let head = others;
        let known = others;
        for (const step of steps) {
          head += step;
          const block = blockToShow(head, known);
          expect(block === undefined || (block > known && block < head)).toBe(true);
          if (block !== undefined) known = block;
          expect(blockToShow(head, known)).toBeUndefined();
        }
      }),
    );
  });
});

describe("an endpoint that tells of a head far above all others, and cannot show its blocks", () => {
  const latest = ["eth_getBlockByNumber", "latest", false] as const;

  it.each<[string, Reply]>([
    [
      "does not have them",
      node(
        () => 5_000_000n,
        () => 1_000n,
      ),
    ],
    [
      "answers with another block",
      answering(({ method }) => (method === "eth_blockNumber" ? "0x4c4b40" : wire(5_000_000n))),
    ],
    [
      "refuses to",
      (calls) => (calls[0]?.params[0] === "latest" ? node(() => 5_000_000n) : refusing("header not found"))(calls),
    ],
  ])("is left for the next one, and named with the number of blocks: it %s", async (_, liar) => {
    const { endpoints, events, names, reports } = await openEndpointStage([liar, standing(1_000n)]);
    expect(await endpoints.call(...latest)).toEqual(wire(1_000n));
    expect(await endpoints.call("eth_blockNumber")).toBe("0x3e8");
    expect(events()).toEqual(["0 ahead"]);
    expect(endpoints.health()).toMatchObject([
      { state: "cooling", forMs: 30_000, ahead: 5_000_000, head: undefined },
      { state: "healthy", ahead: 0, head: 1_000n, lag: 0 },
    ]);
    const [told] = reports;
    if (told?.type !== "endpoint" || told.event !== "ahead") return expect.unreachable();
    expect(told.error).toMatchObject({ code: "HEAD_NOT_SHOWN" });
    expect(describeError(told.error)).toContain(`the endpoint ${names[0]} says that its head is block 5000000`);
    expect(describeError(told.error)).toContain("take it out of rpc.http");
  });

  it("makes no other one lag, and no head of its own is told of", async () => {
    let says = 1_000n;
    const { endpoints, pass, events } = await openEndpointStage([
      node(() => 1_000n),
      node(
        () => says,
        () => 1_000n,
      ),
    ]);
    const heads: bigint[] = [];
    endpoints.head$.subscribe((head) => heads.push(head));
    await endpoints.call("eth_blockNumber");
    await expect.poll(() => endpoints.health()[1]?.head).toBe(1_000n);
    says = 3_000n;
    await pass(30_000);
    await endpoints.call("eth_blockNumber");
    await expect.poll(() => events()).toEqual(["1 ahead"]);
    expect(endpoints.health()).toMatchObject([{ lag: 0 }, { state: "cooling", ahead: 2_000, head: 1_000n }]);
    expect(heads).toEqual([1_000n, 1_000n, 1_000n]);
  });

  it("is no better where the tag is another one, or the head stands among other calls", async () => {
    const liar = node(
      () => 5_000_000n,
      () => 1_000n,
    );
    const { endpoints, events } = await openEndpointStage([liar, standing(1_000n)]);
    expect(await endpoints.call("eth_getBlockByNumber", "finalized", false)).toEqual(wire(1_000n));
    expect(events()).toEqual(["0 ahead"]);
    const stage = await openEndpointStage([liar, standing(1_000n)]);
    const batch = [
      { method: "eth_call", params: [] },
      { method: "eth_getBlockByNumber", params: ["latest", false] },
    ];
    expect(await stage.endpoints.batch(batch)).toEqual([{ result: "0x" }, { result: wire(1_000n) }]);
  });

  it("stays so by whatever else it answers, and is back when a head of its is believed", async () => {
    let says = 5_000_000n;
    const { endpoints, pass, events, names } = await openEndpointStage(
      [
        node(
          () => says,
          () => 1_000n,
        ),
        standing(1_000n),
      ],
      {
        chainId: 1071,
      },
    );
    await endpoints.call("eth_blockNumber");
    for (const cool of [30_000, 60_000]) {
      await endpoints.pin(names[0]).call("eth_call");
      expect(endpoints.health()[0]).toMatchObject({
        state: "cooling",
        forMs: cool,
        ahead: 5_000_000 - (cool === 30_000 ? 0 : 1_000),
      });
      await pass(cool);
      await endpoints.pin(names[0]).call("eth_call");
      // Another one's head is compared in the background.
      if (cool === 30_000) await endpoints.call("eth_blockNumber");
      if (cool === 30_000) await expect.poll(() => endpoints.health()[0]?.forMs).toBe(60_000);
    }
    says = 1_000n;
    await endpoints.call("eth_blockNumber");
    await expect.poll(() => endpoints.health()[0]?.ahead).toBe(0);
    expect(events()).toEqual(["0 ahead", "0 up"]);
  });

  it("fails retryably where no other one answers", async () => {
    const { endpoints } = await openEndpointStage([
      node(
        () => 5_000n,
        () => 1_000n,
      ),
      () => ({ status: 503, body: "" }),
    ]);
    await expect(endpoints.call("eth_blockNumber")).rejects.toThrow(/none of 2 endpoints answered: .*block 5000/);
  });
});

describe("an endpoint whose head is far above all others, and that shows its blocks", () => {
  it("is believed: the others lag", async () => {
    const { endpoints, events } = await openEndpointStage([standing(1_000n), standing(9_000n)]);
    for (const endpoint of endpoints.each()) await endpoint.call("eth_blockNumber");
    expect(endpoints.health()).toMatchObject([{ head: 1_000n }, { head: 9_000n, state: "healthy", ahead: 0 }]);
    expect(await endpoints.each()[0]?.call("eth_blockNumber")).toBe("0x3e8");
    expect(endpoints.health()[0]?.lag).toBe(8_000);
    expect(events()).toEqual([]);
  });

  it("is asked for no block while it grows beside the others, or within what it has shown", async () => {
    let head = 1_000n;
    const { endpoints, asked } = await openEndpointStage([node(() => head), node(() => head)], { cooldownMs: 1e9 });
    for (const endpoint of endpoints.each()) await endpoint.call("eth_blockNumber");
    for (let block = 0; block < 64; block++, head++) await endpoints.call("eth_blockNumber");
    expect(asked("eth_getBlockByNumber")).toEqual([1, 0]);
  });

  it("is believed on a chain that makes hundreds of blocks between two looks, while nobody asks another one", async () => {
    let head = 10n;
    const { endpoints, events } = await openEndpointStage([node(() => head), standing(10n)], { cooldownMs: 1e9 });
    for (let look = 0; look < 20; look++, head += 700n)
      expect(await endpoints.call("eth_blockNumber")).toBe(toQuantity(head));
    expect(events()).toEqual([]);
  });
});

it("the order of endpoints counts where nothing but such a question was asked", async () => {
  const { endpoints, names, asked } = await openEndpointStage([standing(9_000n), standing(9_000n)]);
  const head = [
    { method: "eth_getBlockByNumber", params: ["latest", false] },
    { method: "eth_chainId", params: [] },
  ];
  await Promise.all(endpoints.each().map((endpoint) => endpoint.batch(head)));
  expect(asked()[0]).toBe(2);
  expect(endpoints.health().map(({ latencyMs }) => latencyMs)).toEqual([undefined, undefined]);
  expect(endpoints.name).toBe(names[0]);
});

it("a single endpoint is believed on its word, as there is no other", async () => {
  const { endpoints, asked } = await openEndpointStage([
    node(
      () => 5_000_000n,
      () => 1_000n,
    ),
  ]);
  expect(await endpoints.call("eth_blockNumber")).toBe("0x4c4b40");
  expect(asked()).toEqual([1]);
});
