import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as behaviours from "../../devnet/actors/behaviours.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { testNode } from "../../devnet/network.ts";
import { TaskStatus } from "../../src/index.ts";
import { taskAbi } from "../../src/protocol/abi.ts";
import type { TaskAddress } from "../../src/protocol/brand.ts";
import { createHome, type Home } from "../support/daemonProcess.ts";

const main = join(import.meta.dirname, "../../src/main.ts");

let devnet: Devnet;
let home: Home;
let child: ChildProcess | undefined;
beforeEach(async () => {
  devnet = await startDevnet();
  home = createHome(devnet);
});
afterEach(async () => {
  child?.kill("SIGKILL");
  await devnet.stop();
  home.remove();
});

function start(words: readonly string[], env: Readonly<Record<string, string>>) {
  child = spawn(process.execPath, [main, ...words, "--config", home.configFile], {
    cwd: home.directory,
    env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { stdout, stderr } = child;
  if (!stdout || !stderr) throw new Error("it has no pipes");
  return { child, stdout, stderr };
}

/** Reads until a text came. */
async function read(stream: Readable, text: string): Promise<void> {
  let seen = "";
  while (!seen.includes(text)) seen += (await once(stream, "data"))[0];
}

const statusOf = (task: TaskAddress) =>
  devnet.publicClient.readContract({ address: task, abi: taskAbi, functionName: "getStatus" });

describe("a pipe that nobody reads any more", () => {
  it("does not end a command between its transaction and the word on what came of it", async () => {
    const source = await devnet.client.publishSource();
    const { address } = devnet.accounts.client;
    const pending = () => devnet.publicClient.getTransactionCount({ address, blockTag: "pending" });
    await testNode(devnet.network, "evm_setAutomine", [false]);
    const before = await pending();
    const words = ["publish", "task", source, "--url", "ipfs://x", "--payment", "1 gwei", "--yes", "--json"];
    const { child, stdout, stderr } = start(words, { CLIENT_PRIVATE_KEY: devnet.accounts.client.privateKey });
    // Whoever reads sees the plan, and is gone when the command says, a second later, what it waits for.
    await read(stderr, "signed by");
    stderr.destroy();
    let out = "";
    stdout.on("data", (chunk) => (out += chunk));
    const ended = once(child, "close");
    await expect.poll(pending, { timeout: 30_000 }).toBe(before + 1);
    await Promise.race([ended, sleep(2_500)]);
    await devnet.mine();
    const [code] = await ended;
    expect(code).toBe(0);
    expect(await statusOf(JSON.parse(out).task)).toBe(TaskStatus.NEW);
  });

  it("does not end the daemon, which pays on", async () => {
    const { child, stdout } = start(["run"], { AGENT_PRIVATE_KEY: devnet.accounts.agent.privateKey });
    await read(stdout, '"msg":"watching"');
    stdout.destroy();
    const source = await devnet.client.publishSource();
    const provider = devnet.createProvider(behaviours.honest());
    await provider.enrol(source);
    const config = await devnet.gateway.putJson({ function_name: "sentiment", data: { text: "great" } });
    const task = await devnet.client.publishTask({ source, config });
    await provider.respondTo(task);
    await expect.poll(() => statusOf(task), { timeout: 30_000 }).toBe(TaskStatus.FINALIZED);
    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([0, null]);
  });
});
