import { setTimeout } from "node:timers/promises";
import { EMPTY } from "rxjs";
import { describe, expect, it } from "vitest";
import { createChain } from "../../../src/chain/createChain.ts";
import type { EndpointsOptions } from "../../../src/chain/endpoints/createEndpoints.ts";
import { resultOf } from "../../../src/chain/jsonRpc.ts";
import type { Hex } from "../../../src/protocol/brand.ts";
import { deploymentOn } from "../../../src/protocol/chains.ts";
import { answering, first, openEndpointStage, type Reply, refusing } from "../../support/endpointStage.ts";

const open = async (replies: readonly Reply[], options: Partial<EndpointsOptions> = {}) => {
  const stage = await openEndpointStage(replies, options);
  /** One is asked something else, whatever it answers. */
  const ask = async (index: number) => {
    await stage.endpoints
      .each()
      [index]?.call("eth_call")
      .catch(() => undefined);
  };
  const states = () => stage.endpoints.health().map(({ state }) => state);
  return { ...stage, ask, states };
};
/** Time for a request that nobody waits for. */
const aMoment = () => setTimeout(50);

const saying = (word: string) => answering(({ method }) => (method === "eth_chainId" ? "0x42f" : word));
const [a, b, c] = [saying("a"), saying("b"), saying("c")];
const down: Reply = () => ({ status: 503, body: "busy" });
const hangs: Reply = () => undefined;
const raws: readonly Hex[] = ["0x01", "0x02", "0x03"];
const sends = raws.map((raw) => ({ method: "eth_sendRawTransaction", params: [raw] }));
const send = "eth_sendRawTransaction";

describe("several transactions in one request", () => {
  it("go to the other endpoints too, where the one that answers may pass nothing on", async () => {
    const deployment = deploymentOn(1071);
    if (deployment === undefined) return expect.unreachable();
    const { endpoints, servers, asked, clock } = await open([a, refusing("already known"), c]);
    const chain = createChain({
      ...{ rpc: endpoints, socket$: EMPTY, deployment, finality: 1, pollIntervalMs: 60_000 },
      ...{ clock, report: () => undefined },
    });
    expect(await chain.broadcastAll(raws)).toEqual([{ ok: true }, { ok: true }, { ok: true }]);
    await expect.poll(() => asked(send)).toEqual([1, 1, 1]);
    for (const { requests } of servers)
      expect(requests.map(({ calls }) => calls.map(({ params }) => params[0]))).toEqual([raws]);
  });

  it("are answered before the others are asked: it is the word of one", async () => {
    const turns: string[] = [];
    const noting =
      (name: string, reply: Reply): Reply =>
      (calls) => {
        turns.push(name);
        return reply(calls);
      };
    const { endpoints, asked } = await open([noting("a", a), noting("b", hangs)]);
    const answers = (await endpoints.batch(sends)).map(resultOf);
    expect([answers, turns]).toEqual([["a", "a", "a"], ["a"]]);
    await expect.poll(() => asked()).toEqual([1, 1]);
  });

  it.each(["insufficient funds for gas * price + value", "nonce too low", "already known"])(
    "have the first node's word, whatever the others say: %s",
    async (message) => {
      const { endpoints, asked } = await open([refusing(message), b]);
      for (const answer of await endpoints.batch(sends)) expect(() => resultOf(answer)).toThrow(message);
      await expect.poll(() => asked()).toEqual([1, 1]);
    },
  );

  it("go once to one that is asked in another one's place, and to those after it", async () => {
    const { endpoints, asked, names } = await open([down, b, c]);
    expect((await endpoints.batch(sends)).map(resultOf)).toEqual(["b", "b", "b"]);
    await expect.poll(() => asked()).toEqual([1, 1, 1]);
    await aMoment();
    expect([asked(), endpoints.name]).toEqual([[1, 1, 1], names[1]]);
  });

  it("count in the health of those that nobody listens to", async () => {
    const { endpoints, states, events, asked } = await open([a, down, () => ({ status: 429, body: "" })]);
    await endpoints.batch(sends);
    await expect.poll(() => states()).toEqual(["healthy", "cooling", "limited"]);
    expect(events().toSorted()).toEqual(["1 down", "2 limited"]);
    await endpoints.batch(sends);
    await aMoment();
    expect(asked()).toEqual([2, 1, 1]);
  });

  it("leave alone who cools down, and reach it when it is back", async () => {
    const { endpoints, states, asked, ask, pass } = await open([a, first(1, down, b)]);
    await ask(1);
    await endpoints.batch(sends);
    await aMoment();
    expect([states(), asked(send)]).toEqual([
      ["healthy", "cooling"],
      [1, 0],
    ]);
    await pass(30_000);
    await endpoints.batch(sends);
    await expect.poll(() => asked(send)).toEqual([2, 1]);
  });

  it("leave alone who is known to take none", async () => {
    const takesNone = refusing("the method eth_sendRawTransaction does not exist/is not available", -32601);
    const { endpoints, asked, pass, events } = await open([a, takesNone]);
    await endpoints.batch(sends);
    await expect.poll(() => events()).toEqual(["1 lacks"]);
    await endpoints.batch(sends);
    await aMoment();
    expect(asked(send)).toEqual([2, 1]);
    await pass(600_000);
    await endpoints.batch(sends);
    await expect.poll(() => asked(send)).toEqual([3, 2]);
  });

  it("are sent to nobody whose chain is another", async () => {
    const elsewhere = answering(({ method }) => (method === "eth_chainId" ? "0x1" : "b"));
    const { endpoints, asked, states } = await open([a, elsewhere], { chainId: 1071 });
    await endpoints.batch(sends);
    await expect.poll(() => states()).toEqual(["healthy", "cooling"]);
    expect(asked(send)).toEqual([1, 0]);
  });

  it.each<[string, Reply]>([
    ["all cool down", down],
    ["the others refuse the key", refusing("Must be authenticated!", -32600)],
  ])("go to those that are better left alone where %s, as one alone does", async (_, reply) => {
    const { endpoints, asked, ask } = await open([first(1, down, a), first(1, down, b), reply]);
    await Promise.all([ask(0), ask(1), ...(reply === down ? [ask(2)] : [])]);
    const [answer] = (await endpoints.batch(sends)).map(resultOf);
    expect(answer).toBe("a");
    await expect.poll(() => asked(send)).toEqual([1, 1, 1]);
  });

  it("wait for their turn at the others, and nobody waits for that", async () => {
    const { endpoints, asked, ask, pass } = await open([a, b], { rateLimit: 1, timeoutMs: 60_000 });
    const before = Promise.all([ask(1), ask(1), ask(1)]);
    expect((await endpoints.batch(sends)).map(resultOf)).toEqual(["a", "a", "a"]);
    await aMoment();
    expect(asked(send)).toEqual([1, 0]);
    await pass(3_500);
    await before;
    await expect.poll(() => asked(send)).toEqual([1, 1]);
  });

  it("go to one endpoint once where there is no other", async () => {
    const { endpoints, asked } = await open([a]);
    await endpoints.batch(sends);
    await aMoment();
    expect(asked()).toEqual([1]);
  });
});

it("questions of one request go to one endpoint, though a transaction is among them", async () => {
  const { endpoints, asked } = await open([a, b]);
  await endpoints.batch([...sends, { method: "eth_blockNumber", params: [] }]);
  await aMoment();
  expect(asked(send)).toEqual([1, 0]);
});
