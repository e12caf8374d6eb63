import { afterAll, beforeAll, expect, it } from "vitest";
import { type Client, type ClientOptions, createClient, type WriteOptions } from "../../../src/index.ts";
import { type RpcServer, startRpcServer } from "../../support/rpcServer.ts";

let server: RpcServer;
let client: Client;
let asked: number;
beforeAll(async () => {
  server = await startRpcServer(() => {
    asked += 1;
    return { body: {} };
  });
});
afterAll(() => server.stop());

const somebody = "0x00000000000000000000000000000000c0ffee00";
const info = {
  ...{ name: "a source", description: "", logoUrl: "https://example.com/logo.png" },
  ...{ imageEnvs: { cpu: "https://example.com/cpu.yml" }, minPayment: 1n, minAvailableLockup: 0n },
  maxExpiryDuration: 60,
};
const task = { source: somebody, config: "{}", expiryTime: 2_000_000_000, payment: 1n };
const open = (options: Partial<ClientOptions> = {}): Client =>
  createClient({ chain: 1071, rpc: server.url, signer: `0x${"1".repeat(64)}`, ...options });

const writes: readonly (readonly [string, (options: WriteOptions) => Promise<unknown>])[] = [
  ["publishSource", (options) => client.publishSource(info, options)],
  ["updateSource", (options) => client.updateSource(somebody, info, options)],
  ["inactivateSource", (options) => client.inactivateSource(somebody, options)],
  ["publishTask", (options) => client.publishTask(task, options)],
  ["cancelTask", (options) => client.cancelTask(somebody, options)],
  ["setAgent", (options) => client.setAgent(somebody, options)],
  ["revokeAgent", (options) => client.revokeAgent(somebody, options)],
  ["confirmResponse", (options) => client.confirmResponse(somebody, options)],
  ["waitForTransaction", (options) => client.waitForTransaction({ nonce: 0 }, options)],
];
const bad: readonly WriteOptions[] = [
  ...[1.5, Number.NaN, -1, 0, Number.POSITIVE_INFINITY, null as never].map((confirmations) => ({ confirmations })),
  ...[Number.NaN, -1, 0.5, Number.POSITIVE_INFINITY].map((maxRetries) => ({ maxRetries })),
  ...[Number.NaN, -1, Number.POSITIVE_INFINITY, "5" as never].map((timeoutMs) => ({ timeoutMs })),
  ...[Number.NaN, -1, 1.5].map((nonce) => ({ nonce })),
];

it.each(writes)("%s refuses options that cannot be, by name, before anything is asked or signed", async (_, write) => {
  asked = 0;
  client = open();
  for (const options of bad) {
    const [[name, value] = []] = Object.entries(options);
    await expect(write(options), `${name}: ${value}`).rejects.toMatchObject({
      name: "InputError",
      code: "OPTION_INVALID",
      message: `the option ${name} is ${value}`,
    });
  }
  expect(asked).toBe(0);
});

it.each(writes)("%s refuses options that are none: what they were to bound would be lost", async (_, write) => {
  client = open();
  for (const options of ["0.05 OGPU", null, 5, [], `0x${"8c1f5a2e".repeat(8)}`]) {
    await expect(write(options as never)).rejects.toMatchObject({
      code: "OPTION_INVALID",
      message: expect.not.stringContaining("8c1f5a2e"),
    });
  }
});

it("fixNonce refuses a time-out that cannot be, before it tells what it would do", async () => {
  asked = 0;
  for (const timeoutMs of [Number.NaN, -1, Number.POSITIVE_INFINITY])
    await expect(open().fixNonce({ approve: () => true, timeoutMs })).rejects.toMatchObject({ code: "OPTION_INVALID" });
  expect(asked).toBe(0);
});

it.each<Partial<ClientOptions>>([
  ...[1.5, Number.NaN, -1].map((finality) => ({ finality })),
  ...[Number.NaN, -1, Number.POSITIVE_INFINITY].flatMap((ms) => [
    { pollIntervalMs: ms },
    { requestTimeoutMs: ms },
    { rebroadcastAfterMs: ms },
  ]),
  ...[2 ** 31, 5_000_000_000].flatMap((ms) => [{ pollIntervalMs: ms }, { requestTimeoutMs: ms }]),
  ...[[], "nowhere", "ftp://node.example", ["https://node.example", ""]].map((rpc) => ({ rpc })),
  ...["nowhere", ["nowhere"], "https://node.example"].map((ws) => ({ ws })),
  ...[[undefined], 5].map((urls) => ({ rpc: urls as never })),
  { uploadUrl: "nowhere" },
  { maxFeePerGas: -1n },
  { maxFeePerGas: "500 gwei" as never },
])("a client is not created with %o", (options) => {
  expect(() => open(options)).toThrow(
    expect.objectContaining({
      name: "InputError",
      code: "OPTION_INVALID",
      message: expect.stringContaining(Object.keys(options)[0] ?? ""),
    }),
  );
});

it.each([undefined, null, "mainnet", "1071", {}])("a client is not created on the chain %o, which is none", (chain) => {
  expect(() => open({ chain: chain as never })).toThrow(expect.objectContaining({ code: "CHAIN_UNKNOWN" }));
});

it("a client is not created on a chain of one's own without all of its contracts", () => {
  const { contracts } = open();
  expect(open({ chain: { id: 5, contracts } }).contracts).toEqual(contracts);
  expect(() => open({ chain: { id: 5, contracts: { ...contracts, vault: "0x" } } })).toThrow(
    expect.objectContaining({ code: "ADDRESS_INVALID", message: 'the contract vault "0x" is not an address' }),
  );
  expect(() => open({ chain: { id: 5, contracts: {} as never } })).toThrow(
    expect.objectContaining({ code: "ADDRESS_INVALID" }),
  );
});

const services: readonly (readonly [string, string, () => Promise<unknown>])[] = [
  ...[2 ** 31, 5_000_000_000, -1, Number.NaN].flatMap(
    (timeoutMs) =>
      [
        ["an upload", "timeoutMs", () => open().publishToIpfs({}, { timeoutMs })],
        ["the API", "timeoutMs", () => open().getConfirmedResponse(somebody, { api: server.url, timeoutMs })],
        ["a document", "timeoutMs", () => open().fetchJson("https://example.com/", { timeoutMs })],
      ] as const,
  ),
  ["the API", "api", () => open().getConfirmedResponse(somebody, { api: "nowhere" })],
  ["a document", "maxBytes", () => open().fetchJson("{}", { maxBytes: Number.NaN })],
];

it.each(services)("%s is not asked where its %s cannot be", async (_, name, ask) => {
  asked = 0;
  await expect(ask()).rejects.toMatchObject({
    name: "InputError",
    code: "OPTION_INVALID",
    message: expect.stringMatching(new RegExp(`^the option ${name} is `)),
  });
  expect(asked).toBe(0);
});

it("a document is read within the usual limits where none are given, not within none", async () => {
  const undefinedLimits = { maxBytes: undefined, timeoutMs: undefined } as never;
  await expect(open().fetchJson(JSON.stringify("a".repeat(1_048_576)), undefinedLimits)).rejects.toMatchObject({
    code: "NOT_JSON",
  });
});

it("repeats nothing of an endpoint's URL that cannot be read: it may hold a credential", () => {
  expect(() => open({ rpc: "https//node.example/v2/secret-of-mine" })).toThrow(
    expect.objectContaining({ code: "OPTION_INVALID", message: expect.not.stringContaining("secret") }),
  );
});

it("repeats nothing of a private key that was given as an option", () => {
  const key = "8c1f5a2e".repeat(8);
  for (const name of ["maxFeePerGas", "finality", "pollIntervalMs"])
    expect(() => open({ [name]: `0x${key}` })).toThrow(
      expect.objectContaining({ code: "OPTION_INVALID", message: expect.not.stringContaining("8c1f5a2e") }),
    );
});
