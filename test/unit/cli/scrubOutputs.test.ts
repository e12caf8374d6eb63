import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { cli } from "../../support/cli.ts";
import { startRpcServer } from "../../support/rpcServer.ts";
import { temporaryFolder } from "../../support/temporaryFolder.ts";

const key = "pt-Zx81kQ02mN5rT7vB";
const password = "Corr3ct-Horse";

it.each([
  ["status --json", ["status", "--json"]],
  ["status", ["status"]],
  ["responses", ["responses", `0x${"ab".repeat(20)}`]],
  ["tasks", ["tasks", `0x${"ab".repeat(20)}`]],
  ["policy backtest", ["policy", "backtest", "--from", "1"]],
  ["check", ["check"]],
])("shows no credential of an endpoint that a node's refusal repeats: %s", async (_, words) => {
  const cwd = temporaryFolder("scrub-");
  mkdirSync(join(cwd, "policies"));
  const policy = "apiVersion: ogpu-confirmd/v1\nname: first\nstrategy: first\neligible: output.valid\n";
  writeFileSync(join(cwd, "policies", "first.yaml"), policy);
  const message = `access to /v2/${key} is refused to ${password}`;
  const node = await startRpcServer((calls) => ({
    body: calls.map(({ id, method }) => ({
      ...{ jsonrpc: "2.0", id },
      ...(method === "eth_chainId" ? { result: "0x42f" } : { error: { code: -32_000, message } }),
    })),
  }));
  onTestFinished(node.stop);
  const url = `http://node:${password}@127.0.0.1:${node.port}/v2/${key}`;
  const { code, out, err } = await cli([...words, "--network", "mainnet", "--rpc-http", url], { cwd });
  expect(code).toBe(75);
  expect(node.requests.length).toBeGreaterThan(0);
  expect(out + err).toContain("access to /v2/*** is refused to ***");
  expect(out + err).not.toMatch(new RegExp(`${key}|${password}`, "i"));
});
