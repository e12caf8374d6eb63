import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openSqliteJournal } from "../../../src/journal/sqliteJournal.ts";
import { cli } from "../../support/cli.ts";
import { hashOf, source, task } from "../../support/fakeChain.ts";
import { type RpcServer, startRpcServer } from "../../support/rpcServer.ts";
import { temporaryFolder } from "../../support/temporaryFolder.ts";

const hourMs = 3_600_000;
let cwd: string;
let path: string;
let endpoint: RpcServer;
/** Of the chain's newest block, less the machine's clock; nothing: the endpoint does not know. */
let aheadMs: number | undefined;

beforeEach(async () => {
  cwd = temporaryFolder("prune-");
  path = join(cwd, "journal.sqlite");
  const journal = openSqliteJournal({ path, chainId: 1071 });
  await journal.intake({ tasks: [{ task, source }], responses: [], touched: [] });
  await journal.settleTask(task, "closed", "FINALIZED", 1n);
  await journal.noteSettled(Date.now() - 10 * 24 * hourMs);
  await journal.close();
  aheadMs = 0;
  endpoint = await startRpcServer((calls) =>
    aheadMs === undefined
      ? { status: 503, body: "down" }
      : {
          body: calls.map(({ id, method }) => ({
            jsonrpc: "2.0",
            id,
            result: method === "eth_chainId" ? "0x42f" : block(),
          })),
        },
  );
});
afterEach(() => endpoint.stop());

const block = () => ({
  ...{ number: "0x10", hash: hashOf(16), parentHash: hashOf(15), baseFeePerGas: "0x1" },
  timestamp: `0x${Math.floor((Date.now() + (aheadMs ?? 0)) / 1_000).toString(16)}`,
});
const prune = () =>
  cli(
    ["journal", "prune", "--older-than", "7d", "--network", "mainnet", "--journal-path", path].concat(
      "--rpc-http",
      endpoint.url,
      "--json",
    ),
    { cwd, answers: ["y"] },
  );

it("goes by a clock that agrees with the chain's", async () => {
  expect(await prune()).toMatchObject({ code: 0, out: expect.stringMatching(/"pruned": 1/) });
});

it.each([
  ["ahead of", -25 * hourMs],
  ["behind", 2 * hourMs],
])("is refused, and nobody is asked, where the machine's clock is %s the chain's", async (how, ahead) => {
  aheadMs = ahead;
  expect(await prune()).toMatchObject({
    ...{ code: 78, out: "", asked: [] },
    err: expect.stringMatching(new RegExp(`^error CLOCK_WRONG: .*clock is \\d+\\.0 h ${how} the chain's newest block`)),
  });
  aheadMs = 0;
  expect(await prune()).toMatchObject({ code: 0, out: expect.stringMatching(/"pruned": 1/) });
});

it("is to be tried again where no endpoint tells the time", async () => {
  aheadMs = undefined;
  expect(await prune()).toMatchObject({ code: 75, out: "", asked: [] });
});
