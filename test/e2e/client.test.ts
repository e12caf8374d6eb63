import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { parseEther } from "viem";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as behaviours from "../../devnet/actors/behaviours.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import {
  ChainId,
  type Client,
  type ClientOptions,
  clientFromEnvironment,
  contractAddress,
  createClient,
  DeliveryMethod,
  SourceStatus,
  supportedChains,
  TaskStatus,
} from "../../src/index.ts";
import type { SourceAddress, TaskAddress } from "../../src/protocol/brand.ts";

let devnet: Devnet;
let client: Client;
let agent: Client;
let stranger: Client;
let source: `0x${string}`;

const open = (options: Partial<ClientOptions> = {}): Client =>
  createClient({
    chain: ChainId.OGPU_MAINNET,
    rpc: devnet.rpc.http,
    payload: { gateways: [devnet.gateway.url], allowHosts: [new URL(devnet.gateway.url).host] },
    uploadUrl: `${devnet.gateway.url}/file/create`,
    pollIntervalMs: 20,
    ...options,
  });

const info = (name = "sentiment") => ({
  name,
  description: "tells how a text feels",
  logoUrl: "https://example.com/logo.png",
  imageEnvs: { cpu: "https://example.com/cpu.yml", nvidia: "https://example.com/gpu.yml" },
  minPayment: "0.01 OGPU",
  minAvailableLockup: 0n,
  maxExpiryDuration: 86_400,
});
const now = async () => Number((await devnet.publicClient.getBlock()).timestamp);
const order = async (changes: Partial<Parameters<Client["publishTask"]>[0]> = {}) => ({
  source,
  config: { function_name: "sentiment", data: { text: "a great day" } },
  expiryTime: (await now()) + 3_600,
  payment: "1 OGPU",
  ...changes,
});
const transactions = (address: `0x${string}`) => devnet.publicClient.getTransactionCount({ address });

beforeAll(async () => {
  devnet = await startDevnet({ providers: 24 });
  const { accounts } = devnet;
  client = open({ signer: accounts.client.privateKey });
  agent = open({ signer: accounts.agent.privateKey, onBehalfOf: accounts.client.address });
  stranger = open({ signer: accounts.stranger.privateKey });
  ({ source } = await client.publishSource(info()));
});
afterAll(() => devnet.stop());

/** A task that a provider has answered. */
async function answered(price = 8_000) {
  const provider = devnet.createProvider(behaviours.honest({ priceBps: price }));
  await provider.enrol(source.toLowerCase() as SourceAddress);
  const { task } = await client.publishTask(await order());
  const { response, payment } = await provider.respondTo(task.toLowerCase() as TaskAddress);
  return { task, response, payment, provider };
}

describe("sources", () => {
  it("are published with their metadata where providers read it, for the client whose agent signs", async () => {
    const { source: published, fee } = await agent.publishSource({
      ...info("by the agent"),
      deliveryMethod: DeliveryMethod.FIRST_RESPONSE,
    });
    const state = await client.getSource(published);
    expect(state).toMatchObject({
      client: devnet.accounts.client.address,
      status: SourceStatus.ACTIVE,
      deliveryMethod: DeliveryMethod.FIRST_RESPONSE,
      minPayment: parseEther("0.01"),
      maxExpiryDuration: 86_400,
    });
    expect(fee).toBeGreaterThan(0n);
    expect(await client.fetchJson(state.imageMetadataUrl)).toEqual({
      cpu: "https://example.com/cpu.yml",
      nvidia: "https://example.com/gpu.yml",
      amd: "",
      name: "by the agent",
      description: "tells how a text feels",
      logoUrl: "https://example.com/logo.png",
    });
  });

  it("get new terms, and are closed once", async () => {
    const { source: mine } = await client.publishSource(info("short-lived"));
    await agent.updateSource(mine, { ...info("renamed"), minPayment: 5n });
    expect(await client.getSource(mine)).toMatchObject({ minPayment: 5n });
    await client.inactivateSource(mine);
    expect((await client.getSource(mine)).status).toBe(SourceStatus.INACTIVE);
    await expect(client.inactivateSource(mine)).rejects.toMatchObject({ code: "SOURCE_INACTIVE" });
    await expect(client.publishTask(await order({ source: mine }))).rejects.toMatchObject({ code: "SOURCE_INACTIVE" });
  });

  it.each([
    ["a name that is empty", { name: " " }, "SOURCE_INFO_INVALID", /name is empty/],
    ["no image", { imageEnvs: {} }, "SOURCE_INFO_INVALID", /imageEnvs names no image/],
    [
      "an image that is no URL",
      { imageEnvs: { amd: "amd.yml" } },
      "SOURCE_INFO_INVALID",
      /imageEnvs.amd is no URL: "amd.yml"/,
    ],
    ["a duration of nothing", { maxExpiryDuration: 0 }, "SOURCE_INFO_INVALID", /maxExpiryDuration is 0/],
    ["an amount without a unit", { minPayment: "5" }, "AMOUNT_INVALID", /minPayment: not an amount: "5"/],
    ["a negative amount", { minAvailableLockup: -1n }, "AMOUNT_INVALID", /less than nothing/],
    [
      "an unknown delivery method",
      { deliveryMethod: 7 as DeliveryMethod },
      "SOURCE_INFO_INVALID",
      /deliveryMethod is 7/,
    ],
  ])("are refused with %s, and nothing is sent", async (_what, change, code, message) => {
    const before = await transactions(devnet.accounts.client.address);
    const refused = client.publishSource({ ...info(), ...change });
    await expect(refused).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(await transactions(devnet.accounts.client.address)).toBe(before);
  });
});

describe("tasks", () => {
  it("are published with their input uploaded, and cancelled while nobody has attempted them", async () => {
    const { task, hash } = await client.publishTask(await order());
    const state = await client.getTask(task);
    expect(state).toMatchObject({ source, status: TaskStatus.NEW, payment: parseEther("1"), isExpired: false });
    expect(await client.fetchJson(state.config)).toEqual({ function_name: "sentiment", data: { text: "a great day" } });
    expect(await client.getPublishedTask(hash)).toBe(task);
    await agent.cancelTask(task);
    expect((await client.getTask(task)).status).toBe(TaskStatus.CANCELED);
    await expect(client.cancelTask(task)).rejects.toMatchObject({ code: "TASK_CLOSED" });
  });

  it("are published together, each with a nonce of its own", async () => {
    const terms = await order({ config: '{"function_name":"sentiment","data":{"text":"inline"}}' });
    const published = await Promise.all(Array.from({ length: 6 }, () => client.publishTask(terms)));
    expect(new Set(published.map(({ task }) => task)).size).toBe(6);
    const nonces = published.map(({ nonce }) => nonce).sort((a, b) => a - b);
    expect(nonces).toEqual(Array.from({ length: 6 }, (_, index) => (nonces[0] ?? 0) + index));
  });

  const zero = "0x0000000000000000000000000000000000000000";
  const rows: readonly [string, () => Promise<Partial<Parameters<Client["publishTask"]>[0]>>, string, RegExp][] = [
    ["the zero address", async () => ({ source: zero }), "ADDRESS_INVALID", /is the zero address/],
    ["a malformed address", async () => ({ source: "0x123" }), "ADDRESS_INVALID", /"0x123" is not an address/],
    [
      "an address without code",
      async () => ({ source: devnet.accounts.stranger.address }),
      "NO_CONTRACT",
      /no contract at 0x/,
    ],
    [
      "the Nexus's address",
      async () => ({ source: devnet.deployment.nexus }),
      "WRONG_CONTRACT",
      /it is the network's Nexus/,
    ],
    [
      "a task's address",
      async () => ({ source: (await client.publishTask(await order())).task }),
      "WRONG_CONTRACT",
      /is no source of this network: it is a task/,
    ],
    ["the Manager's address", async () => ({ source: devnet.manager }), "WRONG_CONTRACT", /it is another contract/],
    [
      "an expiry in the past",
      async () => ({ expiryTime: (await now()) - 1 }),
      "EXPIRY_PAST",
      /is past: the chain's clock/,
    ],
    ["an expiry too far", async () => ({ expiryTime: (await now()) + 90_000 }), "EXPIRY_TOO_FAR", /86400 s, until/],
    [
      "an expiry in milliseconds",
      async () => ({ expiryTime: Date.now() }),
      "TIME_INVALID",
      /is no time in unix seconds/,
    ],
    [
      "a payment under the minimum",
      async () => ({ payment: "0.009 OGPU" }),
      "PAYMENT_TOO_LOW",
      /0\.009 OGPU is under .* 0\.01 OGPU/,
    ],
    [
      "more than the Vault holds",
      async () => ({ payment: "20000 OGPU" }),
      "VAULT_UNFUNDED",
      /has .* OGPU in the Vault/,
    ],
  ];
  it.each(rows)(
    "are refused with %s, naming it and the remedy, and nothing is sent or uploaded",
    async (_what, change, code, message) => {
      const given = await order(await change());
      const before = await transactions(devnet.accounts.client.address);
      const uploads = devnet.gateway.requestsTo("/file/create");
      const refused = client.publishTask(given);
      await expect(refused).rejects.toMatchObject({
        code,
        message: expect.stringMatching(message),
        remedy: expect.stringMatching(/.{8}/),
      });
      expect(await transactions(devnet.accounts.client.address)).toBe(before);
      expect(devnet.gateway.requestsTo("/file/create")).toBe(uploads);
    },
  );

  it("tells how an address with a wrong checksum would be written", async () => {
    const wrong = source
      .replace(/[a-f]/, (letter) => letter.toUpperCase())
      .replace(/[A-F](?=[^A-F]*$)/, (l) => l.toLowerCase());
    const refused = client.publishTask(await order({ source: wrong }));
    await expect(refused).rejects.toMatchObject({ code: "ADDRESS_INVALID", remedy: expect.stringContaining(source) });
  });

  it("of somebody else's source are refused", async () => {
    await expect(stranger.publishTask(await order())).rejects.toMatchObject({
      code: "NOT_ALLOWED",
      message: expect.stringContaining(source),
    });
    const { task } = await client.publishTask(await order());
    await expect(stranger.cancelTask(task)).rejects.toMatchObject({ code: "NOT_ALLOWED" });
    await expect(stranger.inactivateSource(source)).rejects.toMatchObject({ code: "NOT_ALLOWED" });
    await expect(stranger.updateSource(source, info())).rejects.toMatchObject({ code: "NOT_ALLOWED" });
  });

  it("are not sent while the upload service is down, or answers nonsense", async () => {
    const server = createServer((_request, response) => void response.end('{"links": 1}')).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as AddressInfo;
    const before = await transactions(devnet.accounts.client.address);
    const signer = devnet.accounts.client.privateKey;
    const down = open({ signer, uploadUrl: devnet.gateway.deadUrl });
    const odd = open({ signer, uploadUrl: `http://127.0.0.1:${port}/file/create` });
    await expect(down.publishTask(await order())).rejects.toMatchObject({
      code: "UPLOAD_FAILED",
      message: expect.stringMatching(/ECONNREFUSED/),
    });
    await expect(down.publishSource(info())).rejects.toMatchObject({ code: "UPLOAD_FAILED" });
    await expect(odd.publishTask(await order())).rejects.toMatchObject({
      code: "UPLOAD_FAILED",
      message: expect.stringMatching(/holds no link/),
    });
    server.close();
    expect(await transactions(devnet.accounts.client.address)).toBe(before);
  });
});

describe("responses", () => {
  it("are read in the order of the attempts, in the range that is asked for", async () => {
    const { task } = await client.publishTask(await order());
    expect(await client.getTaskResponses(task)).toEqual([]);
    expect(await client.getConfirmedResponse(task)).toBeUndefined();
    const providers = [
      behaviours.honest({ priceBps: 9_000 }),
      behaviours.honest({ priceBps: 4_000 }),
      behaviours.inline(),
    ].map((each) => devnet.createProvider(each));
    for (const provider of providers) {
      await provider.enrol(source.toLowerCase() as SourceAddress);
      await provider.respondTo(task.toLowerCase() as TaskAddress);
    }
    const all = await client.getTaskResponses(task);
    expect(all.map(({ provider }) => provider)).toEqual(providers.map(({ address }) => address));
    expect(all.map(({ payment }) => payment)).toEqual(["0.9", "0.4", "0.8"].map((amount) => parseEther(amount)));
    expect(all.every(({ confirmed, status, task: of }) => !confirmed && status === 0 && of === task)).toBe(true);
    expect(await client.fetchJson(all[0]?.data ?? "")).toMatchObject({ label: "positive" });
    expect(await client.getTaskResponses(task, { lower: 1, upper: 2 })).toEqual([all[1]]);
    expect(await client.getTaskResponses(task, { lower: 2, upper: 50 })).toEqual([all[2]]);
  });

  it("are not read from what is no task, nor in a range that is none", async () => {
    await expect(client.getTaskResponses(source)).rejects.toMatchObject({
      code: "WRONG_CONTRACT",
      message: expect.stringMatching(/it is a source/),
    });
    await expect(client.getTaskResponses(devnet.accounts.stranger.address)).rejects.toMatchObject({
      code: "NO_CONTRACT",
    });
    await expect(client.getConfirmedResponse(source)).rejects.toMatchObject({ code: "WRONG_CONTRACT" });
    await expect(client.getTaskResponses(source, { lower: 3, upper: 1 })).rejects.toMatchObject({
      code: "RANGE_INVALID",
    });
  });

  it("are confirmed once, by the client or its agent, and then found by the chain and by the API", async () => {
    const { task, response, payment, provider } = await answered();
    const confirmed = await agent.confirmResponse(response, { maxPayment: "0.8 OGPU" });
    expect(confirmed).toMatchObject({ task, payment, provider: provider.address });
    const [read] = await client.getTaskResponses(task);
    expect(read).toMatchObject({ confirmed: true, status: 1 });
    const found = { address: read?.address, data: read?.data };
    expect(await client.getConfirmedResponse(task)).toEqual(found);
    await expect(client.confirmResponse(response)).rejects.toMatchObject({ code: "ALREADY_CONFIRMED" });

    const answers = [JSON.stringify({ data: { address: response } }), JSON.stringify({ data: {} }), "down"];
    const server = createServer((_, reply) => void reply.end(answers.shift())).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await client.getConfirmedResponse(task, { api })).toEqual(found);
    await expect(client.getConfirmedResponse(task, { api })).rejects.toMatchObject({ code: "API_FAILED" });
    await expect(client.getConfirmedResponse(task, { api })).rejects.toMatchObject({ code: "API_FAILED" });
    server.close();
  });

  it("are refused before any gas is spent: dear ones, somebody else's, of closed and of expired tasks", async () => {
    const { task, response } = await answered();
    const before = await transactions(devnet.accounts.stranger.address);
    await expect(client.confirmResponse(response, { maxPayment: "0.79 OGPU" })).rejects.toMatchObject({
      code: "PAYMENT_ABOVE_LIMIT",
    });
    await expect(stranger.confirmResponse(response)).rejects.toMatchObject({
      code: "NOT_ALLOWED",
      message: expect.stringContaining(task),
    });
    await expect(client.confirmResponse(task)).rejects.toMatchObject({
      code: "WRONG_CONTRACT",
      message: expect.stringMatching(/it is a task/),
    });
    await expect(client.confirmResponse(devnet.accounts.client.address)).rejects.toMatchObject({ code: "NO_CONTRACT" });
    await expect(client.cancelTask(task)).rejects.toMatchObject({ code: "NOT_CANCELABLE" });
    expect(await transactions(devnet.accounts.stranger.address)).toBe(before);

    const rival = devnet.createProvider(behaviours.honest({ priceBps: 5_000 }));
    await rival.enrol(source.toLowerCase() as SourceAddress);
    const cheaper = await rival.respondTo(task.toLowerCase() as TaskAddress);
    await client.confirmResponse(cheaper.response);
    await expect(client.confirmResponse(response)).rejects.toMatchObject({
      code: "TASK_CLOSED",
      message: expect.stringMatching(/FINALIZED/),
    });

    const late = await answered();
    await devnet.travel(4_000);
    await expect(client.confirmResponse(late.response)).rejects.toMatchObject({ code: "EXPIRED" });
    expect(await client.getTask(late.task)).toMatchObject({ status: TaskStatus.RESPONDED, isExpired: true });
  });

  it("need a key", async () => {
    const { response } = await answered();
    const keyless = open();
    await expect(keyless.confirmResponse(response)).rejects.toMatchObject({ code: "SIGNER_MISSING" });
    const { address, privateKey } = devnet.accounts.client;
    const expired = { address, sign: () => Promise.reject(new Error("the token has expired")) } as never;
    await expect(keyless.confirmResponse(response, { signer: expired })).rejects.toThrow("the token has expired");
    expect(await keyless.confirmResponse(response, { signer: privateKey })).toHaveProperty("hash");
    expect(() => open({ signer: "0x1234" })).toThrow("the private key is not 32 bytes of hex");
  });
});

describe("agents", () => {
  it("are authorised and revoked", async () => {
    const helper = await devnet.account("helper");
    const { address } = devnet.accounts.client;
    expect(await client.isAgent(address, helper.address)).toBe(false);
    await client.setAgent(helper.address);
    expect(await client.isAgent(address, helper.address)).toBe(true);
    await client.revokeAgent(helper.address);
    expect(await client.isAgent(address, helper.address)).toBe(false);
    await expect(client.setAgent(address)).rejects.toMatchObject({ code: "ADDRESS_INVALID" });
    // An agent's client has agents of its own: to believe that this one is revoked there would be to leave it its power.
    for (const change of [agent.setAgent(helper.address), agent.revokeAgent(helper.address)])
      await expect(change).rejects.toMatchObject({
        code: "NOT_ALLOWED",
        message: `the agents of ${devnet.accounts.client.address} are its own to set, and ${devnet.accounts.agent.address} is not its key`,
      });
    await expect(client.revokeAgent("0x0")).rejects.toMatchObject({ code: "ADDRESS_INVALID" });
  });
});

describe("documents", () => {
  it("are uploaded and read back, and strangers' hosts are guarded", async () => {
    const url = await client.publishToIpfs({ label: "positive" });
    expect(await client.fetchJson(url)).toEqual({ label: "positive" });
    expect(await client.fetchJson('{"inline":true}')).toEqual({ inline: true });
    await expect(client.fetchJson("http://10.0.0.1/secret")).rejects.toMatchObject({
      code: "NOT_JSON",
      message: expect.stringMatching(/the host is not public/),
    });
    await expect(client.fetchJson("no json at all")).rejects.toMatchObject({ code: "NOT_JSON" });
    await expect(
      client.fetchJson(`${devnet.gateway.url}/ipfs/bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy`),
    ).rejects.toMatchObject({
      code: expect.stringMatching(/FETCH_FAILED|NOT_JSON/),
    });
  });
});

describe("an account without money", () => {
  it("is told what it needs before anything is signed", async () => {
    const poor = open({ signer: `0x${"7".repeat(64)}` });
    await expect(poor.setAgent(devnet.accounts.agent.address)).rejects.toMatchObject({ code: "GAS_UNFUNDED" });
  });
});

describe("chains", () => {
  it("have contracts at known addresses, and no others", () => {
    expect(supportedChains()).toEqual([1071, 200820172034]);
    expect(contractAddress(ChainId.OGPU_TESTNET, "CONTROLLER")).toBe("0x9fb6022074Fd7Bdb429de0776eb693cA0CB55E09");
    expect(() => createClient({ chain: 5 })).toThrow("no contracts on chain 5");
    expect(() => contractAddress(5, "NEXUS")).toThrow("no contracts on chain 5");
  });

  it("are named by the environment", async () => {
    const env = { OGPU_RPC_HTTP: devnet.rpc.http, CLIENT_PRIVATE_KEY: devnet.accounts.client.privateKey };
    const mine = clientFromEnvironment(env);
    expect(mine.signer?.address).toBe(devnet.accounts.client.address.toLowerCase());
    expect(await mine.getSource(source)).toMatchObject({ address: source });
    expect(clientFromEnvironment({ OGPU_NETWORK: "testnet" }).chainId).toBe(ChainId.OGPU_TESTNET);
    expect(() => clientFromEnvironment({ OGPU_NETWORK: "moon" })).toThrow('OGPU_NETWORK is "moon"');
  });
});
