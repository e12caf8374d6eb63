import { toHex } from "viem";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { testNode } from "../../devnet/network.ts";
import { type Client, createClient } from "../../src/index.ts";
import type { SourceAddress } from "../../src/protocol/brand.ts";
import { type MeddlingProxy, startMeddlingProxy } from "../support/meddlingProxy.ts";

let devnet: Devnet;
let source: SourceAddress;
let proxy: MeddlingProxy;
let client: Client;

beforeAll(async () => {
  devnet = await startDevnet();
  source = await devnet.client.publishSource();
});
afterAll(() => devnet.stop());
beforeEach(async () => {
  proxy = await startMeddlingProxy(devnet.rpc.http);
  client = createClient({
    chain: devnet.chainId,
    rpc: proxy.http,
    signer: devnet.accounts.client.privateKey,
    uploadUrl: `${devnet.gateway.url}/file/create`,
    pollIntervalMs: 20,
  });
});
afterEach(() => proxy.stop());

const sent = () => devnet.publicClient.getTransactionCount({ address: devnet.accounts.client.address });
const publish = async (timeoutMs?: number) => {
  const { timestamp } = await devnet.publicClient.getBlock();
  const task = { source, config: "{}", expiryTime: Number(timestamp) + 3_600, payment: "1 OGPU" };
  return client.publishTask(task, timeoutMs === undefined ? {} : { timeoutMs });
};
/**
 * Meddles with some answers to a method, once something was sent: the first, the second … Of receipts the first is the one that tells
 * of a block: on a busy machine the client has looked before there was one.
 */
const meddle = (method: string, isMeant: (nth: number) => boolean, answer: Parameters<MeddlingProxy["set"]>[0]) => {
  let isSent = false;
  let count = 0;
  proxy.set(async (request) => {
    isSent ||= request.method === "eth_sendRawTransaction";
    if (!isSent || request.method !== method) return undefined;
    if (count === 0 && method === "eth_getTransactionReceipt") {
      const result = await testNode(devnet.network, method, [...request.params]);
      if (result === null) return { result };
    }
    return isMeant(++count) ? answer(request) : undefined;
  });
};
const fails = { code: -32603, message: "internal error" };

describe("what an endpoint answers after something was signed", () => {
  it.each([
    ["refuses to tell the head", "eth_getBlockByNumber", (nth: number) => nth < 3, { error: fails }],
    ["tells a head that is none", "eth_getBlockByNumber", (nth: number) => nth < 3, { result: null }],
    [
      "has forgotten the receipt again",
      "eth_getTransactionReceipt",
      (nth: number) => nth > 1 && nth < 5,
      { result: null },
    ],
    ["refuses the receipt", "eth_getTransactionReceipt", (nth: number) => nth > 1 && nth < 5, { error: fails }],
  ])("is waited out where it %s, and the task's address is told", async (_, method, isMeant, answer) => {
    const before = await sent();
    let count = 0;
    meddle(method, isMeant, () => {
      count++;
      return answer;
    });
    const { task, hash } = await publish();
    expect(count).toBeGreaterThan(0);
    proxy.set(() => undefined);
    expect(await client.getPublishedTask(hash)).toBe(task);
    expect(await sent()).toBe(before + 1);
  });

  it("is looked after where the block was taken back before the receipt was read, and the task is published once", async () => {
    const before = await sent();
    let isTaken = false;
    meddle(
      "eth_getTransactionReceipt",
      (nth) => nth === 2,
      async () => {
        await testNode(devnet.network, "anvil_reorg", [1, []]);
        isTaken = true;
        return { result: null };
      },
    );
    const { task, hash, nonce } = await publish(20_000);
    expect(isTaken).toBe(true);
    proxy.set(() => undefined);
    expect(await client.getPublishedTask(hash)).toBe(task);
    expect(nonce).toBe(before);
    expect(await sent()).toBe(before + 1);
  });

  it.each([
    [
      "eth_getBlockByNumber",
      { error: fails },
      { name: "NotMinedError", message: expect.stringMatching(/internal error/) },
    ],
    [
      "eth_getTransactionReceipt",
      { result: null },
      { name: "NotMinedError", message: expect.stringMatching(/is sent and not mined yet/) },
    ],
    [
      "eth_getTransactionReceipt",
      { error: fails },
      {
        name: "AddressUnknownError",
        code: "ADDRESS_UNKNOWN",
        message: expect.stringMatching(/is mined.*internal error/),
      },
    ],
  ])(
    "never is the publication's failure: it ends with hash and nonce where %s stays %j",
    async (method, answer, expected) => {
      const before = await sent();
      const isMeant = (nth: number) => method === "eth_getBlockByNumber" || nth > 1;
      meddle(method, isMeant, () => answer);
      const error = await publish(3_000).catch((reason) => reason);
      expect(error).toMatchObject({
        ...expected,
        exitCode: 1,
        nonce: before,
        hash: expect.stringMatching(/^0x[0-9a-f]{64}$/),
      });
      expect(error.message).toContain(`${error.hash}, nonce ${before}`);
      proxy.set(() => undefined);
      expect(await client.getPublishedTask(error.hash)).toMatch(/^0x/);
      expect(await sent()).toBe(before + 1);
    },
  );
});

it.each([
  ["more", (pending: number) => pending + 50],
  ["less", () => 0],
])(
  "no nonce is taken where one of two endpoints counts %s transactions than there are, and nothing is signed",
  async (_, lie) => {
    await publish();
    const before = await sent();
    const two = createClient({
      chain: devnet.chainId,
      rpc: [proxy.http, devnet.rpc.http],
      signer: devnet.accounts.client.privateKey,
      pollIntervalMs: 20,
    });
    proxy.set(({ method }) => (method === "eth_getTransactionCount" ? { result: toHex(lie(before)) } : undefined));
    const agent = devnet.accounts.stranger.address;
    await expect(two.setAgent(agent)).rejects.toMatchObject({ name: "RetryableError", code: "ENDPOINTS_DISAGREE" });
    expect(
      await devnet.publicClient.getTransactionCount({ address: devnet.accounts.client.address, blockTag: "pending" }),
    ).toBe(before);
    proxy.set(() => undefined);
    expect(await two.setAgent(agent)).toMatchObject({ nonce: before });
  },
);

it.each<[string, (receipt: object | null) => object | null]>([
  ["denies the receipt", () => null],
  ["tells that it reverted", (receipt) => receipt && { ...receipt, status: "0x0" }],
])("a task is published once where one of two endpoints %s, for good", async (_, lie) => {
  await publish();
  const before = await sent();
  client = createClient({
    chain: devnet.chainId,
    rpc: [proxy.http, devnet.rpc.http],
    signer: devnet.accounts.client.privateKey,
    uploadUrl: `${devnet.gateway.url}/file/create`,
    pollIntervalMs: 20,
  });
  proxy.set(async ({ method, params }) =>
    method === "eth_getTransactionReceipt"
      ? { result: lie((await testNode(devnet.network, method, [...params])) as object | null) }
      : undefined,
  );
  const publishing = publish(2_500).catch((error) => error);
  await expect.poll(sent, { timeout: 20_000 }).toBe(before + 1);
  await devnet.mine(5);
  expect(await publishing).toMatchObject({ name: "NotMinedError", nonce: before });
  expect(await sent()).toBe(before + 1);
});

it("a task that waits to be mined is not called off where one of two endpoints knows nothing of its source any more", async () => {
  await publish();
  const before = await sent();
  client = createClient({
    chain: devnet.chainId,
    rpc: [proxy.http, devnet.rpc.http],
    signer: devnet.accounts.client.privateKey,
    ...{ pollIntervalMs: 20, rebroadcastAfterMs: 100 },
  });
  await testNode(devnet.network, "evm_setAutomine", [false]);
  const publishing = publish().catch((error) => error);
  let denied = 0;
  const waiting = async () => (await client.getNonceInfo()).waiting?.map(({ nonce, what }) => `${nonce} ${what}`);
  await expect.poll(waiting, { timeout: 20_000 }).toHaveLength(1);
  proxy.set(({ method }) => (method === "eth_call" && ++denied > 0 ? { result: "0x" } : undefined));
  await expect.poll(() => denied, { timeout: 20_000 }).toBeGreaterThan(20);
  expect(await waiting()).toEqual([expect.stringMatching(new RegExp(`^${before} Controller.publishTask`))]);
  proxy.set(() => undefined);
  await testNode(devnet.network, "evm_setAutomine", [true]);
  await devnet.mine();
  expect(await publishing).toMatchObject({ nonce: before, task: expect.stringMatching(/^0x/) });
});

it("a task is published once where the endpoint has lost its receipt for a moment, after its block is final", async () => {
  const before = await sent();
  let lostUntil = Number.POSITIVE_INFINITY;
  let asked = 0;
  proxy.set(({ method }) =>
    method === "eth_getTransactionReceipt" && Date.now() < lostUntil && ++asked > 0 ? { result: null } : undefined,
  );
  const publishing = publish(60_000).catch((error) => error);
  await expect.poll(sent, { timeout: 20_000 }).toBe(before + 1);
  await devnet.mine(5);
  const askedBefore = asked;
  await expect.poll(() => asked, { timeout: 20_000 }).toBeGreaterThan(askedBefore + 10);
  lostUntil = 0;
  expect(await publishing).toMatchObject({ nonce: before, task: expect.stringMatching(/^0x/) });
  expect(await sent()).toBe(before + 1);
});
