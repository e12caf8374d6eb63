import { Subject, type Subscription } from "rxjs";
import { afterEach, describe, expect, it } from "vitest";
import type { Head } from "../../../src/chain/chainPort.ts";
import type { SocketMessage } from "../../../src/chain/rpcSocket.ts";
import { chainStreams } from "../../../src/chain/streams.ts";
import { eventTopics, type RpcLog } from "../../../src/protocol/events.ts";
import type { Report } from "../../../src/report.ts";
import { hashOf, headAt, source, task } from "../../support/fakeChain.ts";
import { createVirtualTime } from "../../support/virtualTime.ts";

const word = (address: string) => address.slice(2).padStart(64, "0");
const logIn = (block: number, changes: Partial<RpcLog> = {}): RpcLog => ({
  address: "0x1",
  topics: [eventTopics.TaskPublished],
  data: `0x${word(task)}${word(source)}`,
  blockNumber: `0x${block.toString(16)}`,
  blockHash: hashOf(block),
  logIndex: "0x0",
  ...changes,
});

const subscriptions: Subscription[] = [];
afterEach(() => subscriptions.splice(0).forEach((each) => void each.unsubscribe()));

/** @param polled What each poll answers, in turn; the last one again and again. */
const open = (...polled: readonly (Head | Error)[]) => {
  const { clock, pass } = createVirtualTime();
  const socket = new Subject<SocketMessage>();
  const [told, heads, events]: [string[], Head[], bigint[]] = [[], [], []];
  let poll = 0;
  const head = async () => {
    const answer = polled[Math.min(poll++, polled.length - 1)] as Head | Error;
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const report = (each: Report) => void (each.type === "retry" && told.push(`${each.what} in ${each.inMs}`));
  const { head$, liveEvents$ } = chainStreams(
    { socket$: socket, pollIntervalMs: 1_000, clock, report },
    {
      head,
      heard: (block) => block < 1_000n,
      onUp: () => told.push("up"),
      onHead: ({ number }) => told.push(`head ${number}, after ${heads.length}`),
    },
  );
  subscriptions.push(head$.subscribe((each) => heads.push(each)));
  subscriptions.push(liveEvents$.subscribe((some) => events.push(...some.map(({ at }) => at.blockNumber))));
  const log = (...logs: readonly RpcLog[]) => logs.forEach((each) => void socket.next({ type: "log", log: each }));
  return { pass, socket, told, heads, events, log };
};

describe("heads", () => {
  it("are told of once each, whoever has them first; and another block of the same height is another one", async () => {
    const [first, second, other] = [headAt(7n), headAt(8n), headAt(8n, { hash: hashOf(80) })];
    const { pass, socket, heads } = open(first, second, other);
    await pass(100);
    socket.next({ type: "head", head: second });
    await pass(2_900);
    expect(heads).toEqual([first, second, other]);
  });

  it("are told of to whoever must know first before anybody works on them", async () => {
    const { pass, told } = open(headAt(7n), headAt(8n));
    await pass(1_500);
    expect(told).toEqual(["head 7, after 0", "head 8, after 1"]);
  });

  it("are polled on where a poll fails", async () => {
    const { pass, told, heads } = open(new Error("down"), headAt(7n));
    await pass(1_500);
    expect([told[0], heads]).toEqual(["head in 1000", [headAt(7n)]]);
  });
});

describe("a socket", () => {
  it("is not gone by where its blocks are to be found over HTTP", async () => {
    const { pass, socket, heads, events, log } = open(headAt(7n));
    await pass(100);
    socket.next({ type: "head", head: headAt(1_000n) });
    log(logIn(1_000), logIn(999));
    await pass(500);
    expect([heads, events]).toEqual([[headAt(7n)], [999n]]);
  });

  it("goes on past a log that is malformed, and one that was taken back", async () => {
    const { log, events } = open(headAt(7n));
    log(logIn(8, { blockNumber: "0x" }), logIn(9, { removed: true }), logIn(10));
    expect(events).toEqual([10n]);
  });

  it("that takes over is told of", async () => {
    const { socket, told } = open(headAt(7n));
    socket.next({ type: "up" });
    expect(told).toEqual(["up"]);
  });
});
