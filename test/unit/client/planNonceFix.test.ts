import { hexToBigInt, keccak256, numberToHex, parseTransaction, type TransactionSerializable } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { afterEach, expect, it } from "vitest";
import { calls } from "../../../src/client/calls.ts";
import { createClient } from "../../../src/client/createClient.ts";
import type { NonceFix } from "../../../src/client/nonce/planNonceFix.ts";
import { type Deployment, deploymentOn, mainnet } from "../../../src/protocol/chains.ts";
import { hashOf } from "../../support/fakeChain.ts";
import { type RpcRequest, type RpcServer, startRpcServer } from "../../support/rpcServer.ts";

const own = privateKeyToAccount(`0x${"1".repeat(64)}`);
const other = privateKeyToAccount(`0x${"2".repeat(64)}`);
const chainId = mainnet.id;
const contracts = deploymentOn(chainId) as Deployment;
const response = "0x00000000000000000000000000000000DeaDBeef";
const call = { ...calls.confirmResponse(contracts, response), nonce: 7, gas: 200_000n, value: 0n };
const eip1559 = { ...call, chainId, type: "eip1559", maxFeePerGas: 2n, maxPriorityFeePerGas: 1n } as const;
const legacy = { ...call, chainId, type: "legacy", gasPrice: 2n } as const;
const eip2930 = { ...legacy, type: "eip2930", accessList: [{ address: response, storageKeys: [hashOf(1)] }] } as const;

type Shown = Readonly<Record<string, unknown>>;
const types = { legacy: "0x0", eip2930: "0x1", eip1559: "0x2" } as const;
const quantity = (value: bigint | number | undefined) => (value === undefined ? undefined : numberToHex(value));

/** As a node shows it in its pool. */
async function shown(transaction: TransactionSerializable, signer = own): Promise<Shown> {
  const raw = await signer.signTransaction(transaction);
  const { r, s, v, yParity, gasPrice, maxFeePerGas, maxPriorityFeePerGas, ...signed } = parseTransaction(raw);
  return {
    ...{ hash: keccak256(raw), type: types[signed.type as keyof typeof types], from: own.address },
    ...{ nonce: quantity(signed.nonce), gas: quantity(signed.gas), value: "0x0", to: signed.to, input: signed.data },
    ...{ gasPrice: quantity(gasPrice), chainId: quantity(signed.chainId), accessList: signed.accessList },
    ...{ maxFeePerGas: quantity(maxFeePerGas), maxPriorityFeePerGas: quantity(maxPriorityFeePerGas) },
    ...{ r: quantity(hexToBigInt(r ?? "0x")), s: quantity(hexToBigInt(s ?? "0x")) },
    ...{ v: quantity(v ?? yParity), yParity: quantity(yParity) },
  };
}

let servers: RpcServer[] = [];
/** Why the node takes any confirmation for one that would revert. */
let reverts: string | undefined;
afterEach(async () => {
  reverts = undefined;
  for (const server of servers) await server.stop();
  servers = [];
});

/** A node that shows this in its pool, and takes any confirmation for one that can pay. @param waits By nonce. @param count With those that wait. */
async function startNode(waits: Readonly<Record<number, Shown>>, count = 7): Promise<string> {
  const block = { number: "0x64", hash: hashOf(100), parentHash: hashOf(99), timestamp: "0x65000000" };
  const answers: Readonly<Record<string, unknown>> = {
    eth_chainId: numberToHex(chainId),
    eth_getBlockByNumber: { ...block, baseFeePerGas: "0x3b9aca00" },
    eth_blockNumber: "0x64",
    eth_getTransactionCount: "0x7",
    txpool_contentFrom: { pending: waits, queued: {} },
    eth_estimateGas: "0x30d40",
    eth_gasPrice: "0x3b9aca00",
    eth_maxPriorityFeePerGas: "0x3b9aca00",
    eth_feeHistory: { gasUsedRatio: [], reward: [] },
  };
  const answer = ({ id, method, params }: RpcRequest) => {
    if (method === "eth_estimateGas" && reverts !== undefined)
      return { jsonrpc: "2.0", id, error: { code: 3, message: `execution reverted: ${reverts}` } };
    const result = params[1] === "pending" ? numberToHex(count) : (answers[method] ?? null);
    return { jsonrpc: "2.0", id, result };
  };
  const server = await startRpcServer((asked) => ({
    body: asked.length === 1 ? answer(asked[0] as RpcRequest) : asked.map(answer),
  }));
  servers.push(server);
  return server.url;
}
const planOn = (rpc: readonly string[]) =>
  createClient({ chain: chainId, rpc, pollIntervalMs: 20 }).planNonceFix({ address: own.address });
const planned = async (waits: Shown) => (await planOn([await startNode({ 7: waits })])).steps;

it.each([
  [
    "another endpoint counts what waits in it",
    9,
    [],
    /^nonce 7 is left alone: another endpoint counts what waits in it/,
  ],
  ["no endpoint counts anything in it", 7, [{ nonce: 7, action: "fill" }], /^nothing waits in nonce 7/],
])("a nonce that one pool shows nothing in is planned for as it must be where %s", async (_, count, steps, why) => {
  const behind = { 8: await shown({ ...legacy, nonce: 8, gasPrice: 2_000_000_000n }) };
  const plan = await planOn([await startNode(behind), await startNode({}, count)]);
  expect(plan.steps).toMatchObject(steps);
  expect(plan.info.explanation).toMatch(why);
  expect(plan.steps.length + plan.untouched.length).toBe(2);
});

it.each([
  ["legacy", legacy],
  ["EIP-2930", eip2930],
  ["EIP-1559", eip1559],
])("a stuck confirmation that the account signed is sent again for more: %s", async (_, transaction) => {
  expect(await planned(await shown(transaction))).toMatchObject([
    { nonce: 7, action: "reprice", response, gas: 200_000n },
  ]);
});

it("a stuck confirmation costs the gas that was signed, or that of a transfer where it can pay no more", async () => {
  const costOf = async () => {
    const [step] = await planned(await shown(eip1559));
    const { newFees, cost = 0n, why } = step ?? {};
    return [newFees?.type === "eip1559" && cost / newFees.maxFeePerGas, why];
  };
  expect(await costOf()).toEqual([200_000n, "it offers too little, and can still pay"]);
  reverts = "AlreadyFinalized";
  expect(await costOf()).toEqual([21_000n, expect.stringMatching(/^it would revert: /)]);
});

const strangers = calls.confirmResponse(contracts, "0x00000000000000000000000000000000c0ffee00");
const without = (each: Shown, ...names: readonly string[]): Shown =>
  Object.fromEntries(Object.entries(each).filter(([name]) => !names.includes(name)));

it.each<readonly [string, () => Promise<Shown>]>([
  ["a node shows no signature of", async () => without(await shown(eip1559), "r", "s", "v", "yParity")],
  ["another key signed", () => shown(eip1559, other)],
  ["was signed for another chain", () => shown({ ...eip1559, chainId: chainId + 1 })],
  ["was signed for any chain", () => shown({ ...legacy, chainId: undefined })],
  ["a node puts in the place of what was signed", async () => ({ ...(await shown(eip1559)), input: strangers.data })],
  ["a node shows under another hash", async () => ({ ...(await shown(legacy)), hash: hashOf(5) })],
  ["was signed in another nonce", async () => ({ ...(await shown({ ...legacy, nonce: 6 })), nonce: "0x7" })],
  ["is of a kind that is not known", async () => ({ ...(await shown(eip1559)), type: "0x4" })],
  ["a node shows a senseless signature of", async () => ({ ...(await shown(eip2930)), r: "0x0", s: null })],
])("a stuck confirmation that %s is never signed: its nonce is used up", async (_, waits) => {
  expect(await planned(await waits())).toMatchObject([
    { nonce: 7, action: "cancel", why: expect.stringMatching(/does not prove that this account signed it/) },
  ]);
});

it.each([undefined, 1, "no", {}])("is not approved by %o, which is not `true`", async (answer) => {
  const url = await startNode({ 7: await shown(eip1559) });
  const client = createClient({ chain: chainId, rpc: url, pollIntervalMs: 20, signer: `0x${"1".repeat(64)}` });
  let steps = 0;
  const approve = (plan: NonceFix) => {
    steps = plan.steps.length;
    return answer as never;
  };
  expect(await client.fixNonce({ approve, timeoutMs: 0 })).toMatchObject({ approved: false, sent: [] });
  expect(steps).toBe(1);
});
