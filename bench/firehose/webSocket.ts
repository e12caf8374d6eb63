import { setTimeout as sleep } from "node:timers/promises";
import { createPublicClient, webSocket } from "viem";
import { createChain } from "../../src/chain/createChain.ts";
import { nexusLogs } from "../../src/chain/eventReads.ts";
import { rpcSocket$ } from "../../src/chain/rpcSocket.ts";
import { systemClock } from "../../src/clock.ts";
import { nexusAbi } from "../../src/protocol/abi.ts";
import { deploymentOn, mainnet } from "../../src/protocol/chains.ts";
import { eventTopics } from "../../src/protocol/events.ts";
import { answer, childArgs } from "../harness/child.ts";
import { alternate } from "../harness/rounds.ts";
import { createFeed } from "./feed.ts";
import { checkStored, createOurs } from "./ours.ts";

/** The process at the other end of a real WebSocket: a bare one, the daemon's, and viem's. */
const [rounds, port, seed, count] = childArgs<[number, number, number, number]>();
const deployment = deploymentOn(mainnet.id);
if (deployment === undefined) throw new Error("the mainnet has a deployment");
const urlOf = (messages: number) => `ws://127.0.0.1:${port}/${messages}`;
const logs = nexusLogs(deployment);

/** Rate from the first message to the last. */
function createStopwatch(messages: number) {
  const { promise, resolve } = Promise.withResolvers<void>();
  let seen = 0;
  let start = 0;
  let end = 0;
  return {
    tick: () => {
      if (seen++ === 0) start = performance.now();
      if (seen < messages) return;
      end = performance.now();
      resolve();
    },
    all: promise,
    perSecond: (until = end) => (messages / (until - start)) * 1_000,
  };
}

async function bare(messages: number): Promise<number> {
  const stopwatch = createStopwatch(messages);
  const socket = new WebSocket(urlOf(messages));
  socket.onopen = () =>
    socket.send(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_subscribe", params: ["logs", logs] }));
  socket.onmessage = ({ data }) => {
    if (JSON.parse(data).method === "eth_subscription") stopwatch.tick();
  };
  await stopwatch.all;
  socket.close();
  return stopwatch.perSecond();
}

/** Answers of the feed that the pusher sends; it is made again here, so that look-ups can be answered. */
const feed = createFeed(seed);
feed.next(count);

async function daemon(messages: number): Promise<number> {
  const stopwatch = createStopwatch(messages);
  const ours = createOurs(feed);
  const parse = (text: string) => {
    if (text.startsWith('{"jsonrpc":"2.0","method"')) stopwatch.tick();
    return ours.parse(text);
  };
  const socket$ = rpcSocket$({
    urls: [urlOf(messages)],
    logs,
    clock: systemClock,
    heartbeatMs: 15_000,
    maxBackoffMs: 30_000,
    random: () => 0.5,
    onDown: (error) => {
      throw error;
    },
    parse,
  });
  const unasked = () => Promise.reject(new Error("the socket's stream asked the node"));
  const chain = createChain({
    rpc: { name: "none", call: unasked, batch: unasked },
    socket$,
    deployment: deployment as NonNullable<typeof deployment>,
    finality: 0,
    pollIntervalMs: 1 << 30,
    clock: systemClock,
    report: () => undefined,
  });
  const subscription = ours.live(chain.liveEvents$).subscribe();
  await stopwatch.all;
  for (let tries = 0; ; tries++) {
    try {
      checkStored(ours, feed);
      break;
    } catch (error) {
      if (tries > 1_000) throw error;
      await sleep(1);
    }
  }
  const end = performance.now();
  subscription.unsubscribe();
  await ours.close();
  return stopwatch.perSecond(end);
}

async function viem(messages: number): Promise<number> {
  const stopwatch = createStopwatch(messages);
  const client = createPublicClient({ chain: mainnet, transport: webSocket(urlOf(messages), { reconnect: false }) });
  const events = nexusAbi.filter((item) => item.type === "event").filter(({ name }) => name in eventTopics);
  const unwatch = client.watchEvent({
    address: logs.address,
    events,
    onLogs: (each) => each.forEach(stopwatch.tick),
  });
  await stopwatch.all;
  unwatch();
  (await client.transport.getRpcClient()).close();
  return stopwatch.perSecond();
}

const { medians, all } = await alternate(rounds, () => undefined, {
  ours: () => daemon(count),
  limit: () => bare(count),
  peer: () => viem(count / 10),
});
answer({ medians, all });
process.exit(0);
