import { expect, it, onTestFinished, vi } from "vitest";
import { openEndpoints } from "../../../src/cli/openEndpoints.ts";
import { loadConfig } from "../../../src/config/loadConfig.ts";
import { startRpcServer } from "../../support/rpcServer.ts";

/** An endpoint on the machine's own clock, which says that it is yesterday from now on where it is told to. */
async function open(flags: Record<string, string>, headers: (calls: number) => Record<string, string> | undefined) {
  let requests = 0;
  const server = await startRpcServer((calls) => {
    const refused = headers(++requests);
    const answer = { body: calls.map(({ id }) => ({ jsonrpc: "2.0", id, result: "0x42f" })) };
    return refused ? { ...answer, status: 429, headers: refused } : answer;
  });
  onTestFinished(server.stop);
  const { config } = loadConfig({ flags: { network: "devnet", "rpc-http": server.url, ...flags }, env: {}, cwd: "/" });
  vi.useFakeTimers({ toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  const rpc = openEndpoints(config, { random: () => 0.5, report: () => undefined });
  return {
    ask: () => rpc.call("eth_chainId"),
    setBack: () => vi.setSystemTime(Date.now() - 86_400_000),
    pass: (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)),
  };
}

it("asks as often as it may when the machine's clock was set back", async () => {
  const { ask, setBack } = await open({ "rpc-rate-limit": "100" }, () => undefined);
  await ask();
  setBack();
  expect(await ask()).toBe("0x42f");
});

it("asks again after the pause that was asked for, although the machine's clock was set back meanwhile", async () => {
  const { ask, setBack, pass } = await open({}, (calls) => (calls === 2 ? { "retry-after": "0.2" } : undefined));
  await ask();
  await expect(ask()).rejects.toThrow("429");
  setBack();
  await pass(250);
  expect(await ask()).toBe("0x42f");
});
