import { parseEther, toFunctionSelector, toHex } from "viem";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as behaviours from "../../devnet/actors/behaviours.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { testNode } from "../../devnet/network.ts";
import { type Client, createClient, TaskStatus } from "../../src/index.ts";
import type { SourceAddress, TaskAddress } from "../../src/protocol/brand.ts";
import { type MeddlingProxy, startMeddlingProxy } from "../support/meddlingProxy.ts";

let devnet: Devnet;
let source: SourceAddress;
let proxy: MeddlingProxy;

beforeEach(async () => {
  devnet = await startDevnet();
  source = await devnet.client.publishSource();
  proxy = await startMeddlingProxy(devnet.rpc.http);
});
afterEach(async () => {
  await proxy.stop();
  await devnet.stop();
});

const open = (rpc: string | readonly string[] = devnet.rpc.http): Client =>
  createClient({ chain: devnet.chainId, rpc, signer: devnet.accounts.agent.privateKey, pollIntervalMs: 20 });
const node = (method: string, ...params: unknown[]) => testNode(devnet.network, method, params);
const sent = () =>
  devnet.publicClient.getTransactionCount({ address: devnet.accounts.agent.address, blockTag: "pending" });
const publish = () => devnet.client.publishTask({ source, config: '{"function_name":"f","data":{}}' });
const answer = async (task: TaskAddress, priceBps: number) => {
  const provider = devnet.createProvider(behaviours.honest({ priceBps }));
  await provider.enrol(source);
  return provider.respondTo(task);
};

describe("a confirmation that another program has sent with the same key", () => {
  it.each(["the same response", "another response of the task"])(
    "is found also by a client that has signed something before, which confirms %s",
    async (which) => {
      const task = await publish();
      const [{ response }, other, { response: unrelated }] = [
        await answer(task, 8_000),
        await answer(task, 6_000),
        await answer(await publish(), 8_000),
      ];
      const client = open();
      await client.setAgent(devnet.accounts.stranger.address);
      await node("evm_setAutomine", false);
      const first = open().confirmResponse(response);
      await expect.poll(sent, { timeout: 20_000 }).toBe(2);
      const second = client.confirmResponse(which === "the same response" ? response : other.response);
      await expect(second).rejects.toMatchObject({
        code: "ALREADY_SENT",
        message: expect.stringMatching(
          new RegExp(`the confirmation of ${response}.* waits in the node.* nonce 1`, "i"),
        ),
      });
      const third = client.confirmResponse(unrelated);
      await expect.poll(sent, { timeout: 20_000 }).toBe(3);
      await node("evm_setAutomine", true);
      await devnet.mine();
      expect(await first).toMatchObject({ nonce: 1 });
      expect(await third).toMatchObject({ nonce: 2 });
    },
  );

  it("in whose nonce something else was mined keeps nobody from confirming it", async () => {
    const { response } = await answer(await publish(), 8_000);
    const client = open(proxy.http);
    await client.setAgent(devnet.accounts.stranger.address);
    await node("evm_setAutomine", false);
    open()
      .confirmResponse(response)
      .catch(() => undefined);
    await expect.poll(sent, { timeout: 20_000 }).toBe(2);
    const pool = await node("txpool_content");
    await node("anvil_dropAllTransactions");
    await node("evm_setAutomine", true);
    await client.revokeAgent(devnet.accounts.stranger.address);
    proxy.set(({ method }) => (method === "txpool_content" ? { result: pool } : undefined));
    expect(await client.confirmResponse(response)).toMatchObject({ nonce: 2 });
  });
});

describe("what a response asks", () => {
  let task: TaskAddress;
  let response: `0x${string}`;
  const priceRead = toFunctionSelector("getResponseParams()");
  /** As a node that is asked tells it, with another price. */
  const cheaper = async (params: readonly unknown[]) => {
    const word = (amount: bigint) => toHex(amount, { size: 32 }).slice(2);
    const [{ payment }] = (await open().getTaskResponses(task)) as unknown as [{ payment: bigint }];
    return { result: String(await node("eth_call", ...params)).replace(word(payment), word(1n)) };
  };
  const isPriceRead = (method: string, [call]: readonly unknown[]) => {
    const { to = "", data = "", input = data } = (call ?? {}) as { to?: string; data?: string; input?: string };
    return method === "eth_call" && to.toLowerCase() === response.toLowerCase() && input === priceRead;
  };

  beforeEach(async () => {
    task = await publish();
    ({ response } = await answer(task, 8_000));
  });

  it.each([
    ["asked first", () => [proxy.http, devnet.rpc.http]],
    ["asked for a second opinion", () => [devnet.rpc.http, proxy.http]],
  ])("is not paid where one of two endpoints, the one that is %s, tells a lower price", async (_, urls) => {
    proxy.set(({ method, params }) => (isPriceRead(method, params) ? cheaper(params) : undefined));
    const client = open(urls());
    await expect(client.confirmResponse(response)).rejects.toMatchObject({
      name: "RetryableError",
      code: "ENDPOINTS_DISAGREE",
      message: expect.stringMatching(new RegExp(response, "i")),
    });
    expect(await sent()).toBe(0);
    proxy.set(() => undefined);
    const maxPayment = "0.000000000000000001 OGPU";
    await expect(client.confirmResponse(response, { maxPayment })).rejects.toMatchObject({
      code: "PAYMENT_ABOVE_LIMIT",
    });
    expect((await client.getTask(task)).status).toBe(TaskStatus.RESPONDED);
  });

  it("is paid once the other endpoint has it, too", async () => {
    let asked = 0;
    proxy.set(({ method, params }) => (isPriceRead(method, params) && asked++ < 2 ? { result: "0x" } : undefined));
    const confirmed = await open([devnet.rpc.http, proxy.http]).confirmResponse(response);
    expect(asked).toBeGreaterThan(2);
    expect(confirmed.payment).toBeLessThan(parseEther("1"));
    expect((await open().getTask(task)).status).toBe(TaskStatus.FINALIZED);
  });

  it("is the one endpoint's word where the other does not answer", async () => {
    proxy.set(({ method }) => (method === "eth_chainId" ? undefined : { error: { code: -32603, message: "down" } }));
    const client = open([devnet.rpc.http, proxy.http]);
    expect(await client.confirmResponse(response)).toMatchObject({ nonce: 0, task: expect.stringMatching(/^0x/) });
  });
});

it("the address of a task that was published is not told by the receipt of another branch than the one that has it", async () => {
  const client = createClient({
    chain: devnet.chainId,
    rpc: proxy.http,
    signer: devnet.accounts.client.privateKey,
    pollIntervalMs: 20,
  });
  const other = toHex(0xdead, { size: 32 });
  let receipts = 0;
  /** The second one that there is, which the address is read of, and the third. */
  proxy.set(async ({ method, params }) => {
    if (method !== "eth_getTransactionReceipt") return undefined;
    const found = (await node(method, ...params)) as { logs: { data: string }[] } | null;
    if (found === null || ![2, 3].includes(++receipts)) return { result: found };
    const logs = found.logs.map((log) => ({ ...log, data: `${other}${log.data.slice(66)}` }));
    return { result: { ...found, blockHash: toHex(7, { size: 32 }), logs } };
  });
  const { timestamp } = await devnet.publicClient.getBlock();
  const task = { source, config: "{}", expiryTime: Number(timestamp) + 3_600, payment: "1 OGPU" };
  const published = await client.publishTask(task);
  proxy.set(() => undefined);
  expect(published.task).toBe(await client.getPublishedTask(published.hash));
  const { blockHash } = await devnet.publicClient.getTransactionReceipt({ hash: published.hash });
  expect(published.blockHash).toBe(blockHash);
  expect(receipts).toBeGreaterThan(3);
});
