import { parseGwei, toHex } from "viem";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { testNode } from "../../devnet/network.ts";
import { type Client, type ClientOptions, createClient, type NonceFix, type WriteOptions } from "../../src/index.ts";
import type { SourceAddress } from "../../src/protocol/brand.ts";

/** For a machine that is busy. */
const patience = { timeout: 20_000 };

let devnet: Devnet;
let source: SourceAddress;
let first: number;

beforeEach(async () => {
  devnet = await startDevnet();
  source = await devnet.client.publishSource();
  first = await mined();
});
afterEach(() => devnet.stop());

const open = (options: Partial<ClientOptions> = {}): Client =>
  createClient({
    chain: devnet.chainId,
    rpc: devnet.rpc.http,
    signer: devnet.accounts.client.privateKey,
    pollIntervalMs: 20,
    // Nothing is sent again, or dearer, but by fixNonce.
    rebroadcastAfterMs: 600_000,
    ...options,
  });
const node = (method: string, ...params: unknown[]) => testNode(devnet.network, method, params);
const automine = (on: boolean) => node("evm_setAutomine", on);
const mined = () => devnet.publicClient.getTransactionCount({ address: devnet.accounts.client.address });
const inPool = (count: number) =>
  expect
    .poll(async () => {
      const { pending, queued } = (await node("txpool_status")) as { pending: string; queued: string };
      return Number(pending) + Number(queued);
    }, patience)
    .toBe(count);
const publish = async (client: Client, options: WriteOptions = {}) => {
  const { timestamp } = await devnet.publicClient.getBlock();
  const terms = { source, config: "{}", expiryTime: Number(timestamp) + 3_600, payment: "1 OGPU" };
  const publishing = client.publishTask(terms, options);
  publishing.catch(() => undefined);
  return { publishing };
};
/** Gas that costs more, in blocks that take nothing for less. */
const dearer = async (gwei: string) => {
  await node("anvil_setNextBlockBaseFeePerGas", toHex(parseGwei(gwei)));
  await devnet.mine();
};

describe("what a client has signed, and waits for", () => {
  it.each([1, 2])("is sent again by fixNonce where the pool has dropped it, with %i in flight", async (count) => {
    await automine(false);
    const client = open();
    const published: Promise<unknown>[] = [];
    for (let waiting = 1; waiting <= count; waiting++) {
      published.push((await publish(client)).publishing);
      await inPool(waiting);
    }
    const signed = client
      .lanes()[0]
      ?.inFlight()
      .map(({ nonce, hash }) => ({ nonce, hash }));
    await node("anvil_dropAllTransactions");
    expect(await client.getNonceInfo()).toMatchObject({
      ...{ minedNonce: first, pendingNonce: first + count, hasPending: true, pendingCount: count },
      explanation: expect.stringMatching(
        new RegExp(`the publication of a task on ${source} in nonce ${first}, which must be mined first`, "i"),
      ),
    });
    await automine(true);
    const plans: NonceFix[] = [];
    const fixed = await client.fixNonce({ approve: (plan) => plans.push(plan) > 0 });
    expect(plans[0]?.steps.map(({ action, what }) => `${action} ${what}`.toLowerCase())).toEqual(
      Array(count).fill(`resend the publication of a task on ${source}`),
    );
    expect(fixed.sent).toMatchObject(signed?.map((each) => ({ ...each, action: "resend", outcome: "mined" })) ?? []);
    expect(await Promise.all(published)).toMatchObject(signed ?? []);
    expect(await mined()).toBe(first + count);
  });

  it("is sent again for more by fixNonce where it offers too little, and never cancelled", async () => {
    await automine(false);
    const client = open();
    const { publishing } = await publish(client);
    await inPool(1);
    await dearer("50");
    await automine(true);
    const { sent } = await client.fixNonce({ approve: () => true });
    expect(sent).toMatchObject([{ nonce: first, action: "reprice", outcome: "mined" }]);
    expect(await publishing).toMatchObject({ nonce: first, hash: sent[0]?.hash });
    expect(await mined()).toBe(first + 1);
  });

  it("is cancelled by fixNonce where the chain would refuse it by now", async () => {
    await automine(false);
    const client = open();
    const { publishing } = await publish(client);
    await inPool(1);
    await node("anvil_dropAllTransactions");
    await devnet.travel(10_000);
    await automine(true);
    const plans: NonceFix[] = [];
    const { sent } = await client.fixNonce({ approve: (plan) => plans.push(plan) > 0 });
    expect(plans[0]?.steps).toMatchObject([{ action: "cancel", why: expect.stringMatching(/is past/) }]);
    expect(sent).toMatchObject([{ nonce: first, action: "cancel", outcome: "mined" }]);
    await devnet.mine(5);
    await expect(publishing).rejects.toMatchObject({ code: "CANCELLED" });
  });
});

it("what no node takes is cancelled, not sent again and again", async () => {
  await automine(false);
  const client = open();
  const { publishing } = await publish(client);
  await inPool(1);
  await node("anvil_dropAllTransactions");
  const holder = client.lanes()[0]?.holder(first);
  if (holder) holder.word = "intrinsic gas too low";
  await automine(true);
  const { plan, sent } = await client.fixNonce({ approve: () => true });
  expect(plan.steps).toMatchObject([{ action: "cancel", why: "no node takes it: intrinsic gas too low" }]);
  expect(sent).toMatchObject([{ nonce: first, action: "cancel", outcome: "mined" }]);
  await devnet.mine(5);
  await expect(publishing).rejects.toMatchObject({ code: "CANCELLED" });
});

it("what an endpoint did not answer is sent again, whatever its name, and not cancelled as what no node takes", async () => {
  await automine(false);
  const client = open();
  const { publishing } = await publish(client);
  await inPool(1);
  await node("anvil_dropAllTransactions");
  const holder = client.lanes()[0]?.holder(first);
  if (holder) holder.answer = "the endpoint rpc.chainid.example did not answer: ECONNRESET";
  await automine(true);
  const { sent } = await client.fixNonce({ approve: () => true });
  expect(sent).toMatchObject([{ nonce: first, action: "resend", outcome: "mined" }]);
  expect(await publishing).toMatchObject({ nonce: first });
});

it("a write while fixNonce waits for its approval does not wait for that, and what it took is left alone", async () => {
  const { signTransaction, address } = devnet.accounts.client;
  const terms = { chainId: devnet.chainId, type: "eip1559", to: address, gas: 21_000n } as const;
  const fees = { maxFeePerGas: parseGwei("50"), maxPriorityFeePerGas: 1n };
  await node("eth_sendRawTransaction", await signTransaction({ ...terms, ...fees, nonce: first + 1 }));
  const client = open();
  const approve = async () => {
    await client.setAgent(devnet.accounts.stranger.address, { timeoutMs: 10_000 });
    return true;
  };
  const fixed = await client.fixNonce({ approve });
  expect(fixed).toMatchObject({ approved: true, sent: [], changed: [{ nonce: first, action: "fill" }] });
  expect(fixed.nextNonce).toBe(first + 2);
  expect(await client.isAgent(address, devnet.accounts.stranger.address)).toBe(true);
});
