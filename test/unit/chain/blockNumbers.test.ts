import { NEVER } from "rxjs";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createChain } from "../../../src/chain/createChain.ts";
import { createJsonRpc } from "../../../src/chain/createJsonRpc.ts";
import { createScanner } from "../../../src/chain/scanner.ts";
import { toHead, toReceipt } from "../../../src/chain/wire.ts";
import { systemClock } from "../../../src/clock.ts";
import { deploymentOn } from "../../../src/protocol/chains.ts";
import { decodeEvent, eventTopics } from "../../../src/protocol/events.ts";
import { hashOf } from "../../support/fakeChain.ts";
import { type RpcServer, startRpcServer } from "../../support/rpcServer.ts";

const deployment = deploymentOn(1071);
if (deployment === undefined) throw new TypeError("no deployment to test with");

const hex = (number: number | bigint) => `0x${number.toString(16)}` as const;
const blockAt = (number: number, says: number | bigint = number) => ({
  number: hex(says),
  hash: hashOf(number),
  parentHash: hashOf(number - 1),
  timestamp: "0x65000000" as const,
  baseFeePerGas: "0x1" as const,
});

let server: RpcServer;
/** What the node says of block 102, where that is not its number. */
let lie: number | bigint | undefined;

beforeEach(async () => {
  server = await startRpcServer((calls) => {
    const answers = calls.map(({ id, method, params: [block] }) => {
      const number = block === "latest" ? 102 : Number(block);
      const says = block !== "latest" && number === 102 ? lie : undefined;
      return { jsonrpc: "2.0", id, result: method === "eth_getBlockByNumber" ? blockAt(number, says) : [] };
    });
    return { body: calls.length === 1 ? answers[0] : answers };
  });
});
afterEach(() => server.stop());

const openChain = () =>
  createChain({
    rpc: createJsonRpc({ url: server.url, timeoutMs: 5_000 }),
    socket$: NEVER,
    deployment,
    finality: 10,
    pollIntervalMs: 1_000,
    clock: systemClock,
    report: () => undefined,
  });

it.each([101, 150, 2n ** 53n, 2n ** 60n])(
  "leaves the checkpoint where it can be read again when a block comes under the number %s",
  async (says) => {
    const scanner = createScanner(openChain(), {
      maxBlockRange: 2_000,
      rewind: 64,
      onDeepReorg: () => undefined,
      onHeadBehind: () => undefined,
    });
    const known = [100, 99, 98].map((number) => ({ number: BigInt(number), hash: hashOf(number) }));
    const from = { cursor: { number: 100n, hash: hashOf(100) }, known };
    lie = says;
    const step = await scanner.step(from).catch(() => undefined);
    expect(step?.cursor.number ?? 100n).toBeLessThanOrEqual(101n);
    lie = undefined;
    expect((await scanner.step(step ?? from))?.cursor).toEqual({ number: 102n, hash: hashOf(102) });
  },
);

it("takes no number for a block's that the journal could not keep exactly", () => {
  const most = BigInt(Number.MAX_SAFE_INTEGER);
  expect(toHead(blockAt(1, most)).number).toBe(most);
  expect(() => toHead(blockAt(1, most + 1n))).toThrow(`${most + 1n} is no block's number`);
  const receipt = { transactionHash: hashOf(7), blockHash: hashOf(1), status: "0x1", gasUsed: "0x1" };
  expect(() => toReceipt({ ...receipt, blockNumber: hex(most + 1n) }, hashOf(7))).toThrow("is no block's number");
  const log = {
    address: deployment.nexus,
    topics: [eventTopics.TaskPublished],
    data: `0x${"0".repeat(128)}`,
    blockHash: hashOf(1),
    logIndex: "0x0",
  } as const;
  expect(decodeEvent({ ...log, blockNumber: hex(most) })?.at.blockNumber).toBe(most);
  expect(() => decodeEvent({ ...log, blockNumber: hex(most + 1n) })).toThrow("is no block's number");
});
