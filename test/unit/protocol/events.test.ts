import fc from "fast-check";
import { encodeAbiParameters, encodeEventTopics, type Hex } from "viem";
import { describe, expect, it } from "vitest";
import { nexusAbi, terminalAbi } from "../../../src/protocol/abi.ts";
import { agentSetTopic, decodeEvent, eventTopics, type RpcLog } from "../../../src/protocol/events.ts";

const address = fc
  .uint8Array({ minLength: 20, maxLength: 20 })
  .map((bytes) => `0x${Buffer.from(bytes).toString("hex")}` as Hex);
const names = Object.keys(eventTopics) as (keyof typeof eventTopics)[];
const log = (changes: Partial<RpcLog>): RpcLog => ({
  address: "0x2b0cc6058313801d5feb184a539e3a0c5a87a6a1",
  topics: [eventTopics.TaskPublished],
  data: `0x${"0".repeat(128)}`,
  blockNumber: "0x10",
  blockHash: `0x${"b".repeat(64)}`,
  logIndex: "0x2",
  ...changes,
});
const at = { blockNumber: 16n, blockHash: `0x${"b".repeat(64)}`, logIndex: 2 };

describe("the topics", () => {
  it.each(names)("%s is the ABI's own selector, and the event has two words that are not indexed", (eventName) => {
    expect(encodeEventTopics({ abi: nexusAbi, eventName })).toEqual([eventTopics[eventName]]);
    const inputs = nexusAbi.find((item) => item.type === "event" && item.name === eventName)?.inputs ?? [];
    expect(inputs.map((input) => "indexed" in input && input.indexed)).toEqual([false, false]);
  });
});

it("the topic of an agent is the ABI's own selector, and the event has three words that are not indexed", () => {
  expect(encodeEventTopics({ abi: terminalAbi, eventName: "AgentSet" })).toEqual([agentSetTopic]);
  const inputs = terminalAbi.find((item) => item.type === "event" && item.name === "AgentSet")?.inputs ?? [];
  expect(inputs.map((input) => "indexed" in input && input.indexed)).toEqual([false, false, false]);
});

describe("decoding a log", () => {
  it("gives back who made or dismissed an agent, in lower case", () => {
    fc.assert(
      fc.property(address, address, fc.boolean(), (account, agent, value) => {
        const types = [{ type: "address" }, { type: "address" }, { type: "bool" }] as const;
        const data = encodeAbiParameters(types, [account, agent, value]);
        const shouted = data.toUpperCase().replace("0X", "0x") as Hex;
        for (const each of [data, shouted])
          expect(decodeEvent(log({ data: each, topics: [agentSetTopic] }))).toEqual({
            type: "AgentSet",
            account,
            agent,
            at,
          });
      }),
    );
  });

  it("gives back no agent of a log that is a word short", () => {
    expect(decodeEvent(log({ data: `0x${"0".repeat(128)}`, topics: [agentSetTopic] }))).toBeUndefined();
  });

  it("gives back any two addresses, in lower case", () => {
    fc.assert(
      fc.property(address, address, (one, two) => {
        const data = encodeAbiParameters([{ type: "address" }, { type: "address" }], [one, two]);
        const shouted = data.toUpperCase().replace("0X", "0x") as Hex;
        for (const each of [data, shouted]) {
          expect(decodeEvent(log({ data: each }))).toEqual({ type: "TaskPublished", task: one, source: two, at });
          expect(decodeEvent(log({ data: each, topics: [eventTopics.ResponseSubmitted] }))).toEqual({
            type: "ResponseSubmitted",
            response: one,
            task: two,
            at,
          });
        }
      }),
    );
  });

  it("gives back any address with its status", () => {
    fc.assert(
      fc.property(address, fc.integer({ min: 0, max: 255 }), (one, status) => {
        const data = encodeAbiParameters([{ type: "address" }, { type: "uint8" }], [one, status]);
        const decoded = (type: "TaskStatusChanged" | "ResponseStatusChanged") =>
          decodeEvent(log({ data, topics: [eventTopics[type]] }));
        expect(decoded("TaskStatusChanged")).toEqual({ type: "TaskStatusChanged", task: one, status, at });
        expect(decoded("ResponseStatusChanged")).toEqual({ type: "ResponseStatusChanged", response: one, status, at });
      }),
    );
  });

  it.each<[string, Partial<RpcLog>]>([
    ["that a reorg removed", { removed: true }],
    ["without a block number", { blockNumber: null }],
    ["without a block hash", { blockHash: null }],
    ["without an index", { logIndex: null }],
    ["of another event", { topics: [`0x${"1".repeat(64)}`] }],
    ["without a topic", { topics: [] }],
    ["that is a word short", { data: `0x${"0".repeat(64)}` }],
    ["that is a word long", { data: `0x${"0".repeat(192)}` }],
  ])("ignores one %s", (_, changes) => {
    expect(decodeEvent(log(changes))).toBeUndefined();
  });
});
