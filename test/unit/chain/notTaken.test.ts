import { EMPTY } from "rxjs";
import { afterEach, describe, expect, it } from "vitest";
import type { BroadcastAnswer, ChainPort } from "../../../src/chain/chainPort.ts";
import { createChain } from "../../../src/chain/createChain.ts";
import { createJsonRpc } from "../../../src/chain/createJsonRpc.ts";
import { createEndpoints, type Endpoints } from "../../../src/chain/endpoints/createEndpoints.ts";
import type { HttpRpc } from "../../../src/chain/jsonRpc.ts";
import { systemClock } from "../../../src/clock.ts";
import type { Hex } from "../../../src/protocol/brand.ts";
import { deploymentOn } from "../../../src/protocol/chains.ts";
import { classifyAnswer } from "../../../src/sink/nodeErrors.ts";
import { type RpcReply, type RpcRequest, startRpcServer } from "../../support/rpcServer.ts";
import { type Peer, startWebSocketServer } from "../../support/webSocketServer.ts";

let servers: { readonly stop: () => Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  servers = [];
});

const deployment = deploymentOn(1071);
if (deployment === undefined) throw new TypeError("no deployment to test with");

const chainOn = (rpc: HttpRpc): ChainPort =>
  createChain({
    ...{ rpc, socket$: EMPTY, deployment, finality: 1, pollIntervalMs: 60_000 },
    ...{ clock: systemClock, report: () => undefined },
  });
const endpointsOn = (url: string): Endpoints =>
  createEndpoints({
    ...{ urls: [url], timeoutMs: 2_000, clock: systemClock, random: () => 0.5 },
    ...{ rateLimit: 0, batchSize: 100, cooldownMs: 30_000, report: () => undefined },
  });
/** What the sink makes of an answer. */
const classOf = (answer: BroadcastAnswer | undefined) =>
  answer?.ok === false ? classifyAnswer(answer.message) : "accepted";
const raws: readonly Hex[] = ["0x01", "0x02"];

/** Words that mean much of a transaction, if they are about it. */
const words = ["already known", "intrinsic gas too low", "insufficient funds for gas * price + value"];

describe("a refusal without an id, over a WebSocket with several requests under way", () => {
  /** A node that answers such a refusal, or nothing. */
  const open = async (message: string, refuses: (calls: readonly RpcRequest[]) => boolean) => {
    const onMessage = (asked: unknown, peer: Peer) => {
      if (!refuses([asked].flat() as RpcRequest[])) return;
      peer.send({ jsonrpc: "2.0", id: null, error: { code: -32000, message } });
    };
    const server = await startWebSocketServer({ onMessage });
    servers.push(server);
    const endpoints = endpointsOn(server.url);
    return { endpoints, chain: chainOn(endpoints) };
  };

  it.each(words)("is no word on a transaction that is one of them: %s", async (message) => {
    const { endpoints, chain } = await open(message, ([call]) => call?.method === "eth_syncing");
    const sent = chain.broadcast("0x01");
    const other = endpoints.call("eth_syncing").catch(() => undefined);
    const answer = await sent;
    await other;
    expect([classOf(answer), answer]).toEqual([
      "perhaps-sent",
      {
        ok: false,
        message: "no answer",
        why: expect.stringMatching(/refused one of 2 requests, and did not say which/),
      },
    ]);
  });

  it.each(words)("is no word on transactions of a batch: %s", async (message) => {
    const asked: number[] = [];
    // The batch, and one of its halves when both are under way.
    const { endpoints, chain } = await open(message, ({ length }) => asked.push(length) === 2 || asked.length === 4);
    const other = endpoints.call("eth_syncing").catch(() => undefined);
    const answers = await chain.broadcastAll(raws);
    await other;
    expect(asked.toSorted()).toEqual([1, 1, 1, 2]);
    expect(answers.map(classOf)).toEqual(["perhaps-sent", "perhaps-sent"]);
  });

  it.each(words)("is the node's word where it can be about nothing else: %s", async (message) => {
    const { chain } = await open(message, () => true);
    const answer = await chain.broadcast("0x01");
    expect(answer).toEqual({ ok: false, message });
    expect(classOf(answer)).not.toBe("perhaps-sent");
  });
});

describe("over HTTP", () => {
  const serve = async (reply: (calls: readonly RpcRequest[]) => RpcReply) => {
    const server = await startRpcServer(reply);
    servers.push(server);
    return server.url;
  };
  const both = async (chain: ChainPort) =>
    [await chain.broadcast("0x01"), ...(await chain.broadcastAll(raws))].map((answer) => [
      classOf(answer),
      answer.ok ? undefined : answer.message,
      answer.ok ? undefined : answer.why,
    ]);
  const silence = (why: RegExp) => Array(3).fill(["perhaps-sent", "no answer", expect.stringMatching(why)]);

  it.each(words)("a rate limit that holds such words is no word on a transaction: %s", async (text) => {
    const message = `${text}: rate limit exceeded`;
    const url = await serve((calls) => {
      const answers = calls.map(({ id }) => ({ jsonrpc: "2.0", id, error: { code: -32005, message } }));
      return { body: answers.length === 1 ? answers[0] : answers };
    });
    const sent = [chainOn(endpointsOn(url)).broadcast("0x01"), chainOn(endpointsOn(url)).broadcastAll(raws)];
    for (const answer of (await Promise.all(sent)).flat())
      expect([classOf(answer), answer]).toEqual(["perhaps-sent", expect.objectContaining({ message: "no answer" })]);
  });

  it.each(words)("neither is the page of a server that fails: %s", async (text) => {
    const url = await serve(() => ({ status: 500, body: `<html>${text}</html>` }));
    expect(await both(chainOn(createJsonRpc({ url, timeoutMs: 2_000 })))).toEqual(silence(/HTTP 500/));
  });

  it("nor the name of the endpoint", async () => {
    const url = await serve(() => ({ status: 500, body: "" }));
    const rpc = createJsonRpc({ url, timeoutMs: 2_000, name: "rpc.chainid.example" });
    expect(await both(chainOn(rpc))).toEqual(silence(/rpc\.chainid\.example did not answer: HTTP 500/));
  });
});
