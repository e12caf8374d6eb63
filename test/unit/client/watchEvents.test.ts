import { afterEach, beforeEach, expect, it } from "vitest";
import { createClient } from "../../../src/client/createClient.ts";
import { deploymentOn } from "../../../src/protocol/chains.ts";
import { eventTopics } from "../../../src/protocol/events.ts";
import { hashOf } from "../../support/fakeChain.ts";
import { type RpcServer, startRpcServer } from "../../support/rpcServer.ts";

const nexus = deploymentOn(1071)?.nexus;
const hex = (number: number) => `0x${number.toString(16)}`;
const blockAt = (number: number) => ({
  number: hex(number),
  hash: hashOf(number),
  parentHash: hashOf(number - 1),
  timestamp: "0x65000000",
  baseFeePerGas: "0x1",
});
const logIn = (blockNumber: unknown) => ({
  ...{ address: nexus, topics: [eventTopics.TaskPublished], data: `0x${"0".repeat(63)}1${"0".repeat(64)}` },
  ...{ blockNumber, blockHash: hashOf(100), logIndex: "0x0" },
});

let server: RpcServer;
/** What the node answers for logs, and then the right ones. */
let malformed: unknown[];
/** What it never answers. */
let deafTo: string | undefined;

beforeEach(async () => {
  [malformed, deafTo] = [[], undefined];
  server = await startRpcServer((calls) => {
    if (calls.some(({ method }) => method === deafTo)) return undefined;
    const answers = calls.map(({ id, method, params: [block] }) => {
      const number = block === "latest" ? 120 : Number(block);
      const logs = () => (malformed.length > 0 ? malformed.shift() : [logIn(hex(100))]);
      const results: Record<string, () => unknown> = {
        eth_chainId: () => hex(1071),
        eth_getBlockByNumber: () => blockAt(number),
        eth_getLogs: logs,
      };
      return { jsonrpc: "2.0", id, result: results[method]?.() ?? null };
    });
    return { body: calls.length === 1 ? answers[0] : answers };
  });
});
afterEach(() => server.stop());

it.each([
  ["no list", null],
  ["a list with a block that is no number", [logIn("oops")]],
])("goes on after %s in the place of logs", async (_, answer) => {
  malformed = [answer];
  const client = createClient({ chain: 1071, rpc: server.url, pollIntervalMs: 50 });
  const ended = new AbortController();
  for await (const { blockNumber } of client.watchTaskPublished({ fromBlock: 100n, signal: ended.signal })) {
    expect(blockNumber).toBe(100n);
    ended.abort();
  }
  expect(malformed).toEqual([]);
});

it.each([100, "100", -1n])("refuses to begin at %s, rather than try again for ever", (fromBlock) => {
  const client = createClient({ chain: 1071, rpc: server.url });
  expect(() => client.watchTaskPublished({ fromBlock: fromBlock as bigint })).toThrow(`${fromBlock} is no block`);
});

it.each(["eth_getBlockByNumber", "eth_getLogs"])(
  "ends at once when its signal says so, also where %s is not answered",
  async (method) => {
    deafTo = method;
    const ended = new AbortController();
    const client = createClient({ chain: 1071, rpc: server.url, requestTimeoutMs: 60_000 });
    const next = client.watchTaskPublished({ fromBlock: 100n, signal: ended.signal }).next();
    await expect
      .poll(() => server.requests.some(({ calls }) => calls.some((each) => each.method === method)))
      .toBe(true);
    ended.abort();
    expect(await next).toEqual({ done: true, value: undefined });
  },
  3_000,
);
