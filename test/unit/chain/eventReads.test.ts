import { expect, it } from "vitest";
import type { Head } from "../../../src/chain/chainPort.ts";
import { eventReads } from "../../../src/chain/eventReads.ts";
import type { HttpRpc, RpcAnswer, RpcCall } from "../../../src/chain/jsonRpc.ts";
import { RetryableError } from "../../../src/errors.ts";
import type { AccountAddress } from "../../../src/protocol/brand.ts";
import { deploymentOn } from "../../../src/protocol/chains.ts";
import { agentSetTopic, eventTopics, type RpcLog } from "../../../src/protocol/events.ts";
import type { Report } from "../../../src/report.ts";
import { bloomOf } from "../../sim/bloom.ts";
import { address, hashOf, headAt } from "../../support/fakeChain.ts";

const deployment = deploymentOn(1071);
if (deployment === undefined) throw new TypeError("no deployment to test with");

const blockAt = (number: number) => ({
  number: `0x${number.toString(16)}`,
  hash: hashOf(number),
  parentHash: hashOf(number - 1),
  timestamp: "0x1",
});
type Answer = (call: RpcCall) => RpcAnswer;
const rpcOf = (answer: Answer): HttpRpc => ({
  name: "an endpoint",
  batch: async (calls) => calls.map(answer),
  call: async () => {
    throw new TypeError("nothing is asked by itself");
  },
});
const readsOn = (answer: Answer, elsewhere: Answer = answer, reports: Report[] = []) => {
  const missing = (what: string, block: bigint) => new RetryableError(`${what} of ${block}`, { code: "NODE_BEHIND" });
  const deps = { rpc: rpcOf(answer), elsewhere: rpcOf(elsewhere), deployment };
  return eventReads({ ...deps, report: (each) => reports.push(each) }, missing);
};

it("does not take what a node has of a range for all of it, where the node takes blocks in while it answers", async () => {
  let newest = 50;
  const asked: string[] = [];
  const { events } = readsOn(({ method, params: [first] }) => {
    asked.push(method);
    const wanted = Number(first);
    const result = method === "eth_getLogs" ? [] : wanted <= newest ? blockAt(wanted) : null;
    // It works through the batch in order, and the rest of the chain comes in after the first answer.
    newest = 100;
    return { result };
  });
  await expect(events(11n, 100n)).rejects.toMatchObject({ code: "NODE_BEHIND" });
  expect(asked).toEqual(["eth_getBlockByNumber", "eth_getBlockByNumber", "eth_getLogs", "eth_getBlockByNumber"]);
  const { parentHash, last } = await events(11n, 100n);
  expect([parentHash, last.number]).toEqual([hashOf(10), 100n]);
});

it("takes no range of a node that does not have its first block: what comes before it cannot be told", async () => {
  const { events } = readsOn(({ method, params: [first] }) => {
    const wanted = Number(first);
    return { result: method === "eth_getLogs" ? [] : wanted === 11 ? null : blockAt(wanted) };
  });
  await expect(events(11n, 100n)).rejects.toMatchObject({ code: "NODE_BEHIND" });
});

it("does not take what a node has of a range for all of it, where the node falls back while it answers", async () => {
  let answered = 0;
  const { events } = readsOn(({ method, params: [first] }) => {
    const newest = answered++ === 0 ? 100 : 50;
    return { result: method === "eth_getLogs" ? [] : Number(first) <= newest ? blockAt(Number(first)) : null };
  });
  await expect(events(11n, 100n)).rejects.toMatchObject({ code: "NODE_BEHIND" });
});

it("does not move on to another block than the one that was asked for", async () => {
  const { events } = readsOn(({ method }) => ({ result: method === "eth_getLogs" ? [] : blockAt(9_000) }));
  await expect(events(11n, 2_010n)).rejects.toMatchObject({ code: "NODE_BEHIND" });
});

const logIn = (block: Pick<Head, "number" | "hash">, changes: Partial<RpcLog> = {}): RpcLog => ({
  address: deployment.nexus,
  topics: [eventTopics.TaskPublished],
  data: `0x${"0".repeat(128)}`,
  ...{ blockNumber: `0x${block.number.toString(16)}`, blockHash: block.hash, logIndex: "0x0", removed: false },
  ...changes,
});
/** A node's logs by the hash of the block that is asked for. */
const logsBy =
  (logs: readonly RpcLog[], asked: unknown[] = []): Answer =>
  ({ params: [filter] }) => {
    const { blockHash } = filter as { blockHash?: string };
    asked.push(blockHash);
    return { result: logs.filter((log) => log.blockHash === blockHash) };
  };

it("asks elsewhere for the events of a block whose bloom promises some where there are none, and for no other block's", async () => {
  const blocks = [5n, 6n, 7n, 8n, 9n, 10n, 11n].map((number) => headAt(number, { hash: hashOf(number) }));
  const [strangers, kept, anothers, given, again, none] = blocks as [Head, Head, Head, Head, Head, Head];
  const bloomed = new Map<Head, RpcLog>([
    [strangers, logIn(strangers, { address: address(0xbad) })],
    [kept, logIn(kept)],
    [anothers, logIn(anothers, { topics: [hashOf(0xbad)] })],
    [given, logIn(given)],
    [again, logIn(again)],
  ]);
  const heads = blocks.map((block): Head => {
    const log = bloomed.get(block);
    if (log !== undefined) return { ...block, logsBloom: bloomOf([log]) };
    return block === none ? { ...block, logsBloom: bloomOf([]) } : { ...block, logsBloom: "0x" };
  });
  const [asked, reports]: [unknown[], Report[]] = [[], []];
  const elsewhere = logsBy([logIn(kept), logIn(again), logIn(given), logIn(strangers)], asked);
  const { eventsOfBlocks } = readsOn(logsBy([logIn(given)]), elsewhere, reports);
  const events = await eventsOfBlocks(heads);
  expect(events.map(({ at }) => at.blockNumber)).toEqual([6n, 8n, 9n]);
  expect(asked).toEqual([kept.hash, again.hash]);
  expect(reports).toEqual([{ type: "bloom", blocks: 2, found: 2 }]);
});

it("reads in ranges and in blocks who made whom an agent, and asks elsewhere where only a bloom tells of it", async () => {
  const block = headAt(5n, { hash: hashOf(5n) });
  const [account, agent] = [address<AccountAddress>(0xa), address<AccountAddress>(0xb)];
  const words = [account, agent, "0x1"].map((word) => word.slice(2).padStart(64, "0"));
  const set = logIn(block, {
    ...{ address: deployment.terminal, topics: [agentSetTopic], data: `0x${words.join("")}` },
  });
  const bloomed = { ...block, logsBloom: bloomOf([set]) };
  const asked: unknown[] = [];
  const answer: Answer = ({ method, params: [first] }) => {
    if (method !== "eth_getLogs") return { result: blockAt(Number(first)) };
    asked.push(first);
    return { result: [set] };
  };
  const { eventsOfBlocks } = readsOn(logsBy([]), answer);
  const told = [{ type: "AgentSet", account, agent, at: { blockNumber: 5n, blockHash: block.hash, logIndex: 0 } }];
  expect(await eventsOfBlocks([bloomed])).toEqual(told);
  expect((await readsOn(answer).events(5n, 5n)).events).toEqual(told);
  const { nexus, terminal } = deployment;
  const filter = { address: [nexus, terminal], topics: [[...Object.values(eventTopics), agentSetTopic]] };
  expect(asked).toMatchObject([filter, filter]);
});

it("asks for the whole range, and for a second opinion elsewhere", async () => {
  const answerBy =
    (asked: unknown[]): Answer =>
    ({ method, params: [first] }) => {
      if (method !== "eth_getLogs") return { result: blockAt(Number(first)) };
      asked.push(first);
      return { result: [] };
    };
  const [here, there]: unknown[][] = [[], []];
  const { events, eventsElsewhere } = readsOn(answerBy(here as unknown[]), answerBy(there as unknown[]));
  await events(11n, 100n);
  await eventsElsewhere(12n, 90n);
  const address = [deployment.nexus, deployment.terminal];
  expect(here).toMatchObject([{ address, fromBlock: "0xb", toBlock: "0x64" }]);
  expect(there).toMatchObject([{ address, fromBlock: "0xc", toBlock: "0x5a" }]);
});
