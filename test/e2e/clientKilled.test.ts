import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import * as behaviours from "../../devnet/actors/behaviours.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { testNode } from "../../devnet/network.ts";
import { type Client, createClient, TaskStatus } from "../../src/index.ts";
import type { SourceAddress } from "../../src/protocol/brand.ts";
import { type MeddlingProxy, startMeddlingProxy } from "../support/meddlingProxy.ts";

const library = join(import.meta.dirname, "../../src/index.ts");

/** Somebody's program: it calls the library once, and prints what came of it. */
const program = `
  import { createClient } from ${JSON.stringify(library)};
  const { options, method, args } = JSON.parse(process.env.ASKED);
  const { code, message, nonce } = await createClient(options)[method](...args).catch((error) => error);
  console.log(JSON.stringify({ code, message, nonce }));
`;

let devnet: Devnet;
let source: SourceAddress;
let proxy: MeddlingProxy;
let children: ChildProcess[];
/** Looks, and has signed nothing. */
let looks: Client;
let tasksBefore: number;

beforeAll(async () => {
  devnet = await startDevnet();
  source = await devnet.client.publishSource();
});
afterAll(() => devnet.stop());
beforeEach(async () => {
  proxy = await startMeddlingProxy(devnet.rpc.http);
  children = [];
  looks = createClient({ chain: devnet.chainId, rpc: devnet.rpc.http, signer: devnet.accounts.client.privateKey });
  tasksBefore = await tasks();
});
afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  await node("evm_setAutomine", true);
  await devnet.mine();
  await proxy.stop();
});

const node = (method: string, ...params: unknown[]) => testNode(devnet.network, method, params);
const tasks = async () => Number(await looks.chain.tasksOfSource(source, 0).then(({ tasks: found }) => found.length));
const inPool = async () => (await looks.getNonceInfo()).waiting?.map(({ nonce, hash }) => ({ nonce, hash }));

type Asked = { readonly method: "publishTask" | "confirmResponse"; readonly args: readonly unknown[] };
type Ended = { readonly code?: string; readonly message?: string; readonly nonce?: number };

function start({ method, args }: Asked, rpc: string): ChildProcess {
  const signer = devnet.accounts[method === "publishTask" ? "client" : "agent"].privateKey;
  const options = { chain: devnet.chainId, rpc, signer, pollIntervalMs: 20 };
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    env: { ...process.env, ASKED: JSON.stringify({ options, method, args }) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  return child;
}

/** Runs it to its end. */
async function run(asked: Asked): Promise<Ended> {
  const child = start(asked, devnet.rpc.http);
  return JSON.parse(await text(child.stdout as NodeJS.ReadableStream)) as Ended;
}

const stages = {
  "before its bytes came anywhere": async (method: string) => method === "eth_sendRawTransaction",
  "while they wait in the node": async (method: string, params: readonly unknown[]) => {
    if (method !== "eth_sendRawTransaction") return false;
    await node("evm_setAutomine", false);
    await node(method, ...params);
    return true;
  },
  "before it read the receipt": async (method: string, params: readonly unknown[]) =>
    method === "eth_getTransactionReceipt" && (await node(method, ...params)) !== null,
} as const;

/** Runs it, and kills it at this point. */
async function killedAt(stage: keyof typeof stages, asked: Asked): Promise<void> {
  const child = start(asked, proxy.http);
  const exited = once(child, "exit");
  const printed = text(child.stdout as NodeJS.ReadableStream);
  proxy.set(async ({ method, params }) => {
    if (!(await stages[stage](method, params))) return undefined;
    child.kill("SIGKILL");
    await exited;
    return { error: { code: -32603, message: "nobody listens" } };
  });
  expect(await printed).toBe("");
  expect(await exited).toEqual([null, "SIGKILL"]);
}

const publication = async (nonce?: number): Promise<Asked> => {
  const { timestamp } = await devnet.publicClient.getBlock();
  const task = { source, config: "{}", expiryTime: Number(timestamp) + 3_600, payment: "1 OGPU" };
  return { method: "publishTask", args: [task, nonce === undefined ? {} : { nonce }] };
};

it.each<[keyof typeof stages, object]>([
  ["before its bytes came anywhere", {}],
  ["while they wait in the node", { code: "NONCE_TAKEN", message: expect.stringMatching(/a transaction waits in it/) }],
  [
    "before it read the receipt",
    { code: "NONCE_TAKEN", message: expect.stringMatching(/a transaction is mined in it/) },
  ],
])(
  "a program that was killed %s publishes once, where it calls again with the nonce that it had kept",
  async (stage, expected) => {
    const nonce = (await looks.getNonceInfo()).pendingNonce;
    const fromBlock = (await devnet.publicClient.getBlockNumber()) + 1n;
    await killedAt(stage, await publication(nonce));
    const before = await inPool();
    const again = await run(await publication(nonce));
    expect(again).toMatchObject(expected);
    expect(await inPool()).toEqual(before);
    await devnet.mine();
    expect(await tasks()).toBe(tasksBefore + 1);
    expect((await looks.getNonceInfo()).minedNonce).toBe(nonce + 1);
    for await (const { task } of looks.watchTaskPublished({ source, fromBlock })) {
      expect((await looks.getTask(task)).status).toBe(TaskStatus.NEW);
      break;
    }
  },
);

it("without a nonce the next process replaces nothing, and publishes another task", async () => {
  const nonce = (await looks.getNonceInfo()).pendingNonce;
  await killedAt("while they wait in the node", await publication());
  const [waits] = (await inPool()) ?? [];
  expect(waits).toMatchObject({ nonce });
  const again = run(await publication());
  await expect.poll(inPool, { timeout: 20_000 }).toMatchObject([waits, { nonce: nonce + 1 }]);
  await devnet.mine();
  expect(await again).toMatchObject({ nonce: nonce + 1 });
  expect(await looks.getPublishedTask(waits?.hash ?? "0x")).toMatch(/^0x/);
  expect(await tasks()).toBe(tasksBefore + 2);
});

it.each<[keyof typeof stages, string]>([
  ["while they wait in the node", "ALREADY_SENT"],
  ["before it read the receipt", "ALREADY_CONFIRMED"],
])("a program that was killed %s pays once, however often it calls", async (stage, code) => {
  const provider = devnet.createProvider(behaviours.honest());
  await provider.enrol(source);
  const task = await devnet.client.publishTask({ source, config: '{"function_name":"f","data":{}}' });
  const { response } = await provider.respondTo(task);
  const sent = () => devnet.publicClient.getTransactionCount({ address: devnet.accounts.agent.address });
  const before = await sent();
  const confirmation: Asked = { method: "confirmResponse", args: [response] };
  await killedAt(stage, confirmation);
  expect((await run(confirmation)).code).toBe(code);
  await devnet.mine();
  expect(await sent()).toBe(before + 1);
  expect((await looks.getTask(task)).status).toBe(TaskStatus.FINALIZED);
});
