import { afterEach, expect, it } from "vitest";
import { answering, openEndpointStage, type Reply } from "../../support/endpointStage.ts";
import { hashOf } from "../../support/fakeChain.ts";
import type { RpcServer } from "../../support/rpcServer.ts";

let servers: RpcServer[] = [];
afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  servers = [];
});
const latest = ["eth_getBlockByNumber", "latest", false] as const;
const head = { number: "0x64", hash: hashOf(100), parentHash: hashOf(99), timestamp: "0x1" };
const saying = (said: unknown): Reply => answering(({ method }) => (method === "eth_blockNumber" ? "0x64" : said));

it.each<[string, unknown]>([
  ["null", null],
  ["a block without a number", { ...head, number: undefined }],
  ["a block whose number is decimal", { ...head, number: 100 }],
])("asks another endpoint for the head where one answers %s, and goes on with that one", async (_, said) => {
  const stage = await openEndpointStage([saying(said), saying(head)]);
  servers = stage.servers;
  for (let turn = 0; turn < 20; turn++) {
    expect(await stage.endpoints.call(...latest)).toEqual(head);
    await stage.pass(1_000);
  }
  expect(stage.endpoints.name).toBe(stage.names[1]);
});
