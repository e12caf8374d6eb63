import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { createHome, type Home, startDaemon } from "../support/daemonProcess.ts";
import { type MeddlingProxy, startMeddlingProxy } from "../support/meddlingProxy.ts";

const main = join(import.meta.dirname, "../../src/main.ts");
/** As the first process of a container: the kernel keeps from it every signal that it has no handler for. */
const asFirst = ["--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "--kill-child"];
const canBeFirst = spawnSync("unshare", [...asFirst, "true"]).status === 0;

let devnet: Devnet;
let proxy: MeddlingProxy;
let home: Home;

beforeAll(async () => {
  devnet = await startDevnet({ blockTime: 0.2 });
});
afterAll(() => devnet.stop());
beforeEach(async () => {
  proxy = await startMeddlingProxy(devnet.rpc.http);
  home = createHome(devnet, { rpc: { http: proxy.http, ws: "", timeout: "60s" }, shutdown: { grace: "5s" } });
});
afterEach(async () => {
  await proxy.stop();
  home.remove();
});

/** The endpoint keeps back what it is asked by this method, for ever. @returns when it is asked. */
const keepBack = (method: string): Promise<void> =>
  new Promise((resolve) =>
    proxy.set((request) => {
      if (request.method !== method) return undefined;
      resolve();
      return new Promise(() => undefined);
    }),
  );

it.each(["eth_chainId", "eth_getBalance"])(
  "stops at once where its start waits for %s",
  async (method) => {
    const asked = keepBack(method);
    const daemon = startDaemon({ home, privateKey: devnet.accounts.agent.privateKey });
    await asked;
    const toldAt = Date.now();
    daemon.kill("SIGTERM");
    expect(await daemon.exited).toBe(0);
    expect(Date.now() - toldAt).toBeLessThan(4_500);
    expect(daemon.output()).toContain('"outcome":"clean"');
    expect(daemon.output()).not.toMatch(/"msg":"(watching|the key is this daemon's)"/);
  },
  30_000,
);

it.skipIf(!canBeFirst)(
  "stops as the first process of a container, too, while it starts",
  async () => {
    const asked = keepBack("eth_chainId");
    const container = spawn("unshare", [...asFirst, process.execPath, main, "run", "--config", home.configFile], {
      cwd: home.directory,
      env: {
        NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
        NODE_ENV: "production",
        AGENT_PRIVATE_KEY: devnet.accounts.agent.privateKey,
      },
      stdio: "ignore",
    });
    const exited = once(container, "exit");
    try {
      await asked;
      const [first = ""] = spawnSync("ps", ["--ppid", String(container.pid), "-o", "pid="], { encoding: "utf8" })
        .stdout.trim()
        .split("\n");
      process.kill(Number(first), "SIGTERM");
      expect(await Promise.race([exited, new Promise((resolve) => setTimeout(resolve, 10_000, "it goes on"))])).toEqual(
        [0, null],
      );
    } finally {
      container.kill("SIGKILL");
    }
  },
  30_000,
);
