import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Anvil, startAnvil } from "../../../devnet/anvil.ts";
import { createEndpoints, type EndpointsOptions } from "../../../src/chain/endpoints/createEndpoints.ts";
import { probe } from "../../../src/chain/probe.ts";
import { probeTable, probeWarnings } from "../../../src/cli/probeTable.ts";
import { systemClock } from "../../../src/clock.ts";
import { ConfigError, RetryableError } from "../../../src/errors.ts";
import { type Deployment, deploymentOn } from "../../../src/protocol/chains.ts";
import { type RpcReply, type RpcRequest, type RpcServer, startRpcServer } from "../../support/rpcServer.ts";

const expected = { chainId: 1071, deployment: deploymentOn(1071) as Deployment, finality: 3 };
const defaults = {
  timeoutMs: 5_000,
  clock: systemClock,
  random: Math.random,
  rateLimit: 0,
  batchSize: 100,
  cooldownMs: 30_000,
  report: () => undefined,
};
const open = (urls: readonly string[], options: Partial<EndpointsOptions> = {}) =>
  createEndpoints({ urls, ...defaults, ...options }).each();

let anvil: Anvil;
const servers: RpcServer[] = [];
beforeAll(async () => {
  anvil = await startAnvil();
  const rpc = open([anvil.httpUrl])[0];
  await rpc?.call("anvil_setCode", expected.deployment.nexus, "0x00");
  await rpc?.call("anvil_mine", "0x64");
});
afterAll(async () => {
  await anvil.stop();
  await Promise.all(servers.map((server) => server.stop()));
});

type Answers = (call: RpcRequest) => unknown;
const refused = (message: string) => ({ error: { code: -32000, message } });

/** A node as told; `undefined` is a method that it does not have. */
const serve = async (answers: Answers, { batches = true } = {}) => {
  const answer = (call: RpcRequest) => {
    const told = (answers(call) ?? refused("the method does not exist")) as object;
    return { jsonrpc: "2.0", id: call.id, ...("error" in told ? told : { result: (told as { is: unknown }).is }) };
  };
  const server = await startRpcServer((calls): RpcReply => {
    if (calls.length === 1) return { body: answer(calls[0] as RpcRequest) };
    return batches ? { body: calls.map(answer) } : { status: 400, body: "no arrays" };
  });
  servers.push(server);
  return server;
};
const bare: Answers = ({ method, params }) => {
  if (method === "eth_chainId") return { is: "0x42f" };
  if (method === "eth_getCode") return { is: "0x6000" };
  if (method === "eth_getBlockByNumber" && params[0] === "latest") return { is: { number: "0x5000", hash: "0x1" } };
  if (method === "eth_getBlockByNumber" && Number(params[0]) < 0x5000)
    return { is: { number: params[0], hash: "0x2" } };
  return undefined;
};

const answerBarely = (call: RpcRequest) => ({ id: call.id, result: (bare(call) as { is?: unknown })?.is ?? null });

describe("the probe of a real node", () => {
  it("finds what it can do", async () => {
    const { probes, down } = await probe(open([anvil.httpUrl]), expected);
    expect(down).toEqual([]);
    expect(probes).toEqual([
      {
        name: new URL(anvil.httpUrl).host,
        chainId: 1071,
        clientVersion: expect.stringMatching(/^anvil\/v/),
        head: 100n,
        eip1559: true,
        safeDepth: expect.any(BigInt),
        finalizedDepth: expect.any(BigInt),
        batches: true,
        deploylessCalls: true,
        logsRange: 10_000,
        isLogsRangeLimited: false,
        logsByHash: true,
      },
    ]);
    expect(probeTable(probes)).toMatch(
      /^endpoint +client +head +safe.*\n127\.0\.0\.1:\d+ +anvil.* 10000\+ blocks +yes +EIP-1559 +yes +yes$/,
    );
    expect(probeWarnings(probes, { maxBlockRange: 2_000, finality: 3 })).toEqual([]);
  });

  it("refuses another chain, by the endpoint's name, whatever the others say", async () => {
    const other = await startAnvil({ chainId: 5 });
    const endpoints = open([anvil.httpUrl, other.httpUrl], { chainId: 1071 });
    const error = await probe(endpoints, expected).catch((caught: unknown) => caught);
    await other.stop();
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({ code: "CHAIN_ID_MISMATCH" });
    expect((error as Error).message).toContain(`${new URL(other.httpUrl).host} serves chain 5, not chain 1071`);
  });

  it("goes on without an endpoint that is down", async () => {
    const { probes, down } = await probe(open(["http://127.0.0.1:1", anvil.httpUrl]), expected);
    expect([probes.length, down.map(({ name }) => name)]).toEqual([1, ["127.0.0.1:1"]]);
  });
});

describe("the probe of one that takes long", () => {
  /** One that answers when it is let; the other is a real node. */
  const beside = async (answers: Answers) => {
    const { promise: allowed, resolve: letAnswer } = Promise.withResolvers<void>();
    const slow = await startRpcServer(async (calls) => {
      await allowed;
      const body = calls.map((call) => ({ jsonrpc: "2.0", id: call.id, ...(answers(call) as object) }));
      return { body: body.length === 1 ? body[0] : body };
    });
    servers.push(slow);
    const endpoints = createEndpoints({ ...defaults, urls: [slow.url, anvil.httpUrl], chainId: 1071 });
    const probed = probe(endpoints.each(), expected, async () => undefined);
    return { endpoints, probed, letAnswer, slow };
  };
  const good: Answers = (call) => {
    if (call.method === "eth_getLogs") return { result: [] };
    return { result: (bare(call) as { is?: unknown } | undefined)?.is ?? null };
  };

  it("is not waited for where another has passed, and is used when it has passed, too", async () => {
    const { endpoints, probed, letAnswer } = await beside(good);
    const { probes, down, late } = await probed;
    expect([probes.map(({ name }) => name), down]).toEqual([[new URL(anvil.httpUrl).host], []]);
    expect(endpoints.health().map(({ state }) => state)).toEqual(["cooling", "healthy"]);
    expect(await endpoints.call("eth_blockNumber")).toBe("0x64");
    letAnswer();
    expect(await late[0]?.outcome).toMatchObject({ found: { head: 0x5000n } });
    await expect.poll(() => endpoints.health()[0]?.state).toBe("healthy");
  });

  it("stays left alone where it turns out to lack the contracts", async () => {
    const { endpoints, probed, letAnswer } = await beside((call) =>
      call.method === "eth_getCode" ? { result: "0x" } : good(call),
    );
    const { late } = await probed;
    letAnswer();
    expect(await late[0]?.outcome).toMatchObject({ error: { code: "CONTRACTS_MISSING" } });
    expect(await endpoints.call("eth_blockNumber")).toBe("0x64");
    expect(endpoints.health()[0]?.state).toBe("cooling");
  });

  it("is waited for where it alone may know what is final", async () => {
    const { url } = await serve(bare, { batches: false });
    const { slow, letAnswer } = await beside((call) => ({
      result:
        call.params[0] === "finalized" ? { number: "0x4fff", hash: "0x3" } : (good(call) as { result: unknown }).result,
    }));
    const probed = probe(open([slow.url, url]), { ...expected, finality: "finalized" }, async () => undefined);
    setTimeout(letAnswer, 200);
    expect((await probed).probes).toContainEqual(expect.objectContaining({ finalizedDepth: 1n }));
  });
});

describe("the probe of a poor node", () => {
  it("finds that it can do next to nothing", async () => {
    const { url } = await serve(bare, { batches: false });
    const { probes } = await probe(open([url]), expected);
    expect(probes[0]).toMatchObject({
      clientVersion: "unknown",
      head: 0x5000n,
      eip1559: false,
      safeDepth: undefined,
      finalizedDepth: undefined,
      batches: false,
      deploylessCalls: false,
      logsRange: undefined,
      logsByHash: false,
    });
    expect(probeTable(probes)).toMatch(/ no +no +no +no +legacy +no +no$/);
    expect(probeWarnings(probes, { maxBlockRange: 2_000, finality: 3 })).toEqual([
      expect.stringMatching(/takes no eth_getLogs/),
      expect.stringMatching(/takes no batches/),
    ]);
  });

  it("is refused where finality is a tag that no endpoint knows: nothing would ever be final", async () => {
    const { url } = await serve(bare, { batches: false });
    const error = await probe(open([url]), { ...expected, finality: "finalized" }).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "FINALITY_UNKNOWN", remedy: expect.stringContaining("chain.finality") });
  });

  it("is warned of where another endpoint knows the tag", async () => {
    const { url } = await serve(bare, { batches: false });
    const finality = "finalized";
    const { probes } = await probe(open([url, anvil.httpUrl]), { ...expected, finality });
    expect(probeWarnings(probes, { maxBlockRange: 2_000, finality })).toContainEqual(
      expect.stringMatching(/does not know the block tag "finalized"/),
    );
  });

  it("halves the range of eth_getLogs until it passes, and asks for nothing that exists", async () => {
    const { url, requests } = await serve((call) => {
      if (call.method !== "eth_getLogs") return bare(call);
      const { fromBlock, toBlock } = call.params[0] as { fromBlock?: string; toBlock?: string };
      if (fromBlock === undefined) return { is: [] };
      return Number(toBlock) - Number(fromBlock) >= 2_500 ? refused("block range too large") : { is: [] };
    });
    const { probes } = await probe(open([url]), expected);
    expect(probes[0]).toMatchObject({ logsRange: 2_500, isLogsRangeLimited: true, logsByHash: true });
    expect(probeWarnings(probes, { maxBlockRange: 5_000, finality: 3 })).toEqual([
      expect.stringMatching(/about 2500 blocks, and rpc.maxBlockRange is 5000/),
    ]);
    const filters = requests.flatMap(({ calls }) => calls.filter(({ method }) => method === "eth_getLogs"));
    for (const { params } of filters) expect(params[0]).toMatchObject({ topics: [`0x${"f".repeat(64)}`] });
  });

  it("stops asking a node that chokes on it", async () => {
    let asked = 0;
    const node = await serve(bare);
    const front = await startRpcServer((calls) => {
      if (calls[0]?.method !== "eth_getLogs") return { body: calls.map(answerBarely) };
      asked += 1;
      return { status: 504, body: "" };
    });
    servers.push(front);
    const { probes } = await probe(open([node.url, front.url]), expected);
    expect([probes[1]?.logsRange, asked]).toEqual([undefined, 2]);
  });

  it.each<[string, RpcReply, RegExp]>([
    ["answers 503", { status: 503, body: "" }, /HTTP 503/],
    ["asks for fewer requests", { status: 429, body: "" }, /HTTP 429/],
  ])("is worth another start when the only node %s", async (_, reply, why) => {
    const server = await startRpcServer(() => reply);
    servers.push(server);
    const error = await probe(open([server.url]), expected).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(RetryableError);
    expect((error as Error).message).toMatch(why);
    await expect(probe(open([server.url, server.url]), expected)).rejects.toThrow(/no endpoint can be used: .*; /);
  });

  it("refuses a chain without the network's contracts", async () => {
    const { url } = await serve((call) => (call.method === "eth_getCode" ? { is: "0x" } : bare(call)));
    await expect(probe(open([url]), expected)).rejects.toMatchObject({ code: "CONTRACTS_MISSING" });
  });

  it("does not take a page for a head", async () => {
    const { url } = await serve((call) => (call.method === "eth_getBlockByNumber" ? { is: null } : bare(call)));
    await expect(probe(open([url]), expected)).rejects.toThrow(/its head is no block/);
  });
});
