import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { startAnvil } from "../../devnet/anvil.ts";

const anvilModule = new URL("../../devnet/anvil.ts", import.meta.url).href;

/** A process that starts anvil, prints its pid, and then does what `afterwards` says. */
async function parentOfAnvil(afterwards: string) {
  const script = `const { startAnvil } = await import(${JSON.stringify(anvilModule)});
    const anvil = await startAnvil(); console.log(anvil.pid); setInterval(() => {}, 1000); ${afterwards}`;
  const parent = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [output] = await once(parent.stdout, "data");
  return { parent, anvilPid: Number(String(output)) };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function request(url: string, method: string): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: [] });
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
  return ((await response.json()) as { result: unknown }).result;
}

describe("startAnvil", () => {
  test("gives each node a port of its own and the chain id it was asked for", async () => {
    const [one, two] = await Promise.all([startAnvil(), startAnvil({ chainId: 200820172034 })]);
    expect(one.port).not.toBe(two.port);
    expect(await request(one.httpUrl, "eth_chainId")).toBe("0x42f");
    expect(Number(await request(two.httpUrl, "eth_chainId"))).toBe(200820172034);
    await Promise.all([one.stop(), two.stop()]);
  });

  test("mines on its own where a block time is given, and passes other arguments on", async () => {
    const anvil = await startAnvil({ blockTime: 0.1, extraArgs: ["--slots-in-an-epoch", "1", "--mixed-mining"] });
    await vi.waitFor(
      async () => expect(Number(await request(anvil.httpUrl, "eth_blockNumber"))).toBeGreaterThan(2),
      5_000,
    );
    await anvil.stop();
  });

  test("is gone after stop, which may be called twice", async () => {
    const anvil = await startAnvil();
    await anvil.stop();
    await anvil.stop();
    expect(isAlive(anvil.pid)).toBe(false);
  });

  test("says what anvil complained about when it cannot start", async () => {
    const anvil = await startAnvil();
    await expect(startAnvil({ port: anvil.port })).rejects.toThrow(/anvil ended with code/);
    await expect(startAnvil({ extraArgs: ["--no-such-flag"] })).rejects.toThrow("--no-such-flag");
    await anvil.stop();
  });

  test.concurrent.for([
    ["returns from process.exit", "process.exit(0);", undefined],
    ["throws", "throw new Error('crash');", undefined],
    ["gets SIGINT", "", "SIGINT"],
    ["gets SIGTERM", "", "SIGTERM"],
    ["is killed", "", "SIGKILL"],
  ] as const)("does not outlive a parent that %s", async ([, afterwards, signal], { expect }) => {
    const { parent, anvilPid } = await parentOfAnvil(afterwards);
    expect(anvilPid).toBeGreaterThan(0);
    if (signal) parent.kill(signal);
    if (parent.exitCode === null && parent.signalCode === null) await once(parent, "exit");
    for (let waited = 0; isAlive(anvilPid) && waited < 5_000; waited += 50) await sleep(50);
    expect(isAlive(anvilPid)).toBe(false);
  });
});
