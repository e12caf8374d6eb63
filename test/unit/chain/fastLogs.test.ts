import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { createParseMessage } from "../../../src/chain/fastLogs.ts";
import { decodeEvent, eventTopics, type RpcLog } from "../../../src/protocol/events.ts";

const hex = (digits: number) =>
  fc
    .array(fc.constantFrom(..."0123456789abcdefABCDEF"), { minLength: digits, maxLength: digits })
    .map((all) => all.join(""));
const topic = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom<string>(...Object.values(eventTopics)) },
  hex(64).map((digits) => `0x${digits}`),
  fc.constantFrom("0x", "", `${eventTopics.TaskPublished}00`, eventTopics.TaskPublished.slice(0, -1)),
);
const quantity = fc.nat().map((number) => `0x${number.toString(16)}`);
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.constantFrom('"', "\\", '","removed":true,"x":"', "}}}", "é"),
);
const anything = fc.oneof(text, fc.boolean(), fc.constant(null), fc.integer(), fc.jsonValue({ maxDepth: 2 }));

const members = fc.record({
  address: fc.constant("0x2b0cc6058313801d5feb184a539e3a0c5a87a6a1"),
  topics: fc.oneof({ weight: 8, arbitrary: topic.map((one) => [one]) }, fc.array(topic, { maxLength: 3 })),
  data: fc.oneof(
    { weight: 8, arbitrary: hex(128).map((digits) => `0x${digits}`) },
    fc
      .integer({ min: 0, max: 140 })
      .chain(hex)
      .map((digits) => `0x${digits}`),
  ),
  blockNumber: fc.oneof({ weight: 8, arbitrary: quantity }, fc.constant(null)),
  blockHash: fc.oneof({ weight: 8, arbitrary: hex(64).map((digits) => `0x${digits}`) }, fc.constant(null)),
  logIndex: fc.oneof({ weight: 8, arbitrary: quantity }, fc.constant(null)),
  transactionHash: hex(64),
  transactionIndex: quantity,
});
const extra = fc.dictionary(fc.oneof(text, fc.constantFrom("blockTimestamp", "type")), anything, { maxKeys: 2 });

/** Members in any order, some missing, some twice, some of the wrong type. */
const logText = fc
  .record({
    members,
    removed: fc.option(fc.boolean(), { nil: undefined }),
    extra: fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, extra),
    drop: fc.oneof(
      { weight: 6, arbitrary: fc.constant("") },
      fc.constantFrom("data", "topics", "address", "blockHash"),
    ),
    again: fc.oneof(
      { weight: 6, arbitrary: fc.constant([] as (readonly [string, unknown])[]) },
      fc.array(fc.tuple(fc.constantFrom("data", "topics", "removed", "blockNumber", "logIndex"), anything), {
        maxLength: 2,
      }),
    ),
    order: fc.array(fc.nat(), { minLength: 16, maxLength: 16 }),
  })
  .map(({ members: all, removed, extra: more, drop, again, order }) => {
    const pairs = [
      ...Object.entries({ ...all, ...(removed !== undefined && { removed }), ...more }).filter(
        ([name]) => name !== drop,
      ),
      ...again,
    ];
    const shuffled = pairs.map((pair, at) => ({ pair, rank: order[at % 16] ?? 0 })).sort((a, b) => a.rank - b.rank);
    return `{${shuffled.map(({ pair: [name, value] }) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(",")}}`;
  });

const envelope = (subscription: string, result: string) =>
  `{"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":${JSON.stringify(subscription)},"result":${result}}}`;

const messageText = fc
  .record({ subscription: fc.oneof(quantity, text), result: logText, form: fc.nat({ max: 9 }) })
  .map(({ subscription, result, form }) => {
    const usual = envelope(subscription, result);
    if (form === 0) return JSON.stringify(JSON.parse(usual), null, 1);
    if (form === 1) return `${usual}\n`;
    if (form === 2) return ` ${usual}`;
    if (form === 5) return usual.replace('{"jsonrpc"', '{"id":"1","error":"no","jsonrpc"');
    if (form === 6) return usual.replace(`"subscription":${JSON.stringify(subscription)}`, '"subscription":true');
    if (form === 3) return `{"params":{"result":${result},"subscription":"0x1"},"jsonrpc":"2.0"}`;
    if (form === 4) return usual.replaceAll("0x", "\\u0030x");
    return usual;
  });

type Message = { params?: { subscription?: string; result?: RpcLog } };

/** What the socket makes of a message. */
function read(message: unknown) {
  const { subscription, result } = (message as Message).params ?? {};
  const outcome = () => {
    try {
      return result === undefined ? undefined : decodeEvent(result);
    } catch (error) {
      return (error as Error).name;
    }
  };
  const { id, error } = message as { id?: unknown; error?: unknown };
  return { subscription, id, error, event: outcome() };
}

const usualLog = {
  address: "0x2b0cc6058313801d5feb184a539e3a0c5a87a6a1",
  topics: [eventTopics.ResponseSubmitted],
  data: `0x${"0".repeat(24)}${"a".repeat(40)}${"0".repeat(24)}${"b".repeat(40)}`,
  blockHash: `0x${"c".repeat(64)}`,
  blockNumber: "0x10",
  blockTimestamp: "0x65",
  transactionHash: `0x${"d".repeat(64)}`,
  transactionIndex: "0x0",
  logIndex: "0x2",
  removed: false,
};
const usual = (changes: object = {}) => envelope("0x1", JSON.stringify({ ...usualLog, ...changes }));

describe("reading a message without JSON.parse", () => {
  it("sees what JSON.parse sees, whatever the message's shape", () => {
    fc.assert(
      fc.property(fc.array(messageText, { minLength: 2, maxLength: 6 }), (messages) => {
        const parse = createParseMessage(() => false);
        for (const message of [...messages, ...messages])
          expect(read(parse(message))).toEqual(read(JSON.parse(message)));
      }),
      { numRuns: 2_000 },
    );
  });

  it("asks the filter about the same event at the same words, whatever the message's shape", () => {
    fc.assert(
      fc.property(messageText, (message) => {
        const asked: unknown[] = [];
        const parse = createParseMessage((type, data) => {
          asked.push([type, data]);
          return false;
        });
        parse(message);
        parse(message);
        const log = (JSON.parse(message) as Message).params?.result;
        const isEvent = typeof log?.data === "string" && log.data.length === 130 && !log.removed;
        const type = Object.entries(eventTopics).find(([, one]) => one === log?.topics?.[0])?.[0];
        const isAlone = Array.isArray(log?.topics) && log.topics.length === 1;
        const expected = isEvent && isAlone && type !== undefined ? [[type, log.data]] : [];
        expect(asked).toEqual([...expected, ...expected]);
      }),
      { numRuns: 3_000 },
    );
  });

  it("does not call JSON.parse for a log that is written like the one before", () => {
    const reader = createParseMessage(() => true);
    reader(usual());
    const parse = vi.spyOn(JSON, "parse");
    const texts = [usual(), `${usual()}\n`, usual({ logIndex: "0xabc", transactionHash: "0x" })];
    try {
      expect(texts.map(reader)).toEqual(texts.map(() => undefined));
      expect(parse).not.toHaveBeenCalled();
    } finally {
      parse.mockRestore();
    }
  });

  it("drops what the filter calls foreign, in the usual shape and in any other", () => {
    const parse = createParseMessage((_, data) => data.slice(26, 66) === "a".repeat(40));
    const ours = { data: usualLog.data.replaceAll("a", "e") };
    for (const form of [(one: string) => one, (one: string) => JSON.stringify(JSON.parse(one), null, 2)]) {
      expect(parse(form(usual()))).toBeUndefined();
      expect(parse(form(usual(ours)))).toMatchObject({ params: { result: ours } });
    }
  });

  it("never drops a log that a reorg removed, nor any other message", () => {
    const parse = createParseMessage(() => true);
    const others = [
      usual({ removed: true }),
      usual({ topics: [`0x${"1".repeat(64)}`] }),
      usual({ data: "0x" }),
      '{"jsonrpc":"2.0","id":1,"result":"0x1"}',
      '{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"}}',
      "null",
      "[]",
      '{"params":{"result":null}}',
    ];
    for (const text of others) expect(parse(text)).toEqual(JSON.parse(text) === null ? null : expect.anything());
  });

  it("reads two endpoints that write their logs differently", () => {
    const parse = createParseMessage(() => false);
    const { blockHash, ...rest } = usualLog;
    const geths = envelope("0x2", JSON.stringify({ ...rest, blockHash }));
    for (const text of [usual(), geths, usual(), geths]) expect(read(parse(text))).toEqual(read(JSON.parse(text)));
  });

  it.each([
    ["a line feed in a string", usual().replace("0x65", "\n")],
    ["a bad escape in a string", usual().replace("0x65", "\\x")],
    ["cut off", usual().slice(0, -1)],
    ["a line too long", `${usual()}\n\n{}`],
    ["nothing", ""],
    ["no JSON", "hello"],
  ])("refuses as JSON.parse does: %s", (_, text) => {
    const parse = createParseMessage(() => false);
    parse(usual());
    expect(() => parse(text)).toThrow(SyntaxError);
  });
});
