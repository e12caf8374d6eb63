import { spawnSync } from "node:child_process";
import { DatabaseSync } from "node:sqlite";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { createHome, type DaemonProcess, type Home, startDaemon } from "../support/daemonProcess.ts";
import { type FaultProxy, startFaultProxy } from "../support/faultProxy.ts";
import { type NotifySocket, startNotifySocket } from "../support/notifySocket.ts";

let devnet: Devnet;
let proxy: FaultProxy;
let systemd: NotifySocket;
let home: Home;
let daemon: DaemonProcess;

beforeAll(async () => {
  devnet = await startDevnet({ blockTime: 0.2 });
});
afterAll(() => devnet.stop());
beforeEach(async () => {
  systemd = await startNotifySocket();
  proxy = await startFaultProxy({ port: Number(new URL(devnet.rpc.http).port) });
});
afterEach(async () => {
  daemon?.kill("SIGKILL");
  await daemon?.exited;
  await proxy.stop();
  await systemd.stop();
  home?.remove();
});

/** As systemd starts it, with a watchdog of two seconds. */
const start = (overrides = {}) => {
  home = createHome(devnet, {
    rpc: { http: proxy.http, ws: "", pollInterval: "100ms", timeout: "500ms", cooldown: "500ms" },
    ...overrides,
  });
  const env = { NOTIFY_SOCKET: systemd.path, WATCHDOG_USEC: "2000000" };
  daemon = startDaemon({ home, privateKey: devnet.accounts.agent.privateKey, env });
};
const isBeat = ({ WATCHDOG }: Readonly<Record<string, string>>) => WATCHDOG === "1";
const beats = () => systemd.received.filter(isBeat).length;
const moreBeats = (count: number) => {
  const goal = beats() + count;
  return systemd.heard(() => beats() >= goal);
};
/** What a supervisor without a watchdog asks. */
const probe = async (name: "livez" | "readyz") => {
  const { http } = await daemon.ready();
  const answer = await fetch(`${http}/${name}`);
  return { status: answer.status, text: await answer.text() };
};
const indexOf = (name: string, from = 0) => systemd.received.findIndex((each, at) => at >= from && name in each);

const hasTools = ["systemd-notify", "perl"].every((name) => spawnSync(name, ["--version"]).status === 0);

describe.skipIf(!hasTools)("the daemon under systemd", () => {
  it("tells READY, WATCHDOG, STATUS, RELOADING, READY again and STOPPING, in this order", async () => {
    start();
    const first = await systemd.heard(({ READY }) => READY === "1");
    expect(first.STATUS).toMatch(/^head \d+$/);
    await moreBeats(2);
    await systemd.heard(({ STATUS }) =>
      /^head \d+, 0 open, 0 in flight, 0 OGPU paid in 24 h, 0 held$/.test(STATUS ?? ""),
    );
    daemon.kill("SIGHUP");
    const reloading = await systemd.heard(({ RELOADING }) => RELOADING === "1");
    expect(reloading.MONOTONIC_USEC).toMatch(/^\d+$/);
    const reloadingAt = systemd.received.indexOf(reloading);
    await systemd.heard((each) => each.READY === "1" && systemd.received.indexOf(each) > reloadingAt);
    await moreBeats(1);
    daemon.kill("SIGTERM");
    expect(await daemon.exited).toBe(0);
    await systemd.heard(({ STOPPING }) => STOPPING === "1");
    const order = ["READY", "WATCHDOG", "RELOADING", "READY", "STOPPING"];
    let at = 0;
    const found = order.map((name) => {
      at = indexOf(name, at);
      return at;
    });
    expect(found).not.toContain(-1);
    expect(systemd.received.filter(({ READY }) => READY).length).toBe(2);
  });

  it("asks for the time that its endpoints may take to be probed, before they are", async () => {
    proxy.set({ kind: "silent" });
    start({ rpc: { http: proxy.http, ws: "", timeout: "60s" } });
    const { EXTEND_TIMEOUT_USEC: asked } = await systemd.heard((each) => "EXTEND_TIMEOUT_USEC" in each);
    // Longer than the unit's TimeoutStartSec, within which one endpoint that answers at the last moment is not probed.
    expect(Number(asked)).toBeGreaterThan(10 * 60_000_000);
    expect(daemon.output()).not.toContain("an endpoint was probed");
  });

  it("is READY only when the backfill has reached the head, and asks for more time until then", async () => {
    for (let times = 0; times < 4; times++) await devnet.mine(200);
    const before = await devnet.publicClient.getBlockNumber();
    start({
      rpc: { http: proxy.http, ws: "", pollInterval: "1s", rateLimit: 20, maxBlockRange: 40 },
      chain: { startBlock: 1 },
    });
    await systemd.heard(({ READY }) => READY === "1");
    const database = new DatabaseSync(home.journalPath, { readOnly: true });
    const checkpoint = database.prepare("SELECT block_number AS at FROM cursors WHERE name = 'scanned'").get()?.at;
    database.close();
    expect(Number(checkpoint)).toBeGreaterThanOrEqual(Number(before));
    const extended = indexOf("EXTEND_TIMEOUT_USEC");
    expect(extended).toBeGreaterThanOrEqual(0);
    expect(extended).toBeLessThan(indexOf("READY"));
    expect(indexOf("WATCHDOG", 0)).not.toBe(0);
  });

  it("gives its signs of life during an outage of the endpoints: a restart would not end it", async () => {
    start();
    await systemd.heard(({ READY }) => READY === "1");
    proxy.set({ kind: "silent" });
    await moreBeats(6);
    expect(daemon.output()).not.toContain("the pipe stands still");
    expect(await probe("livez")).toEqual({ status: 200, text: "ok\n" });
    expect((await probe("readyz")).text).toContain("ok   pipe: does not stand still");
    proxy.set({ kind: "none" });
    await moreBeats(1);
  });

  it("gives no sign of life while its journal takes no writes, and gives them again when it does", async () => {
    start();
    await systemd.heard(({ READY }) => READY === "1");
    await moreBeats(1);
    const blocker = new DatabaseSync(home.journalPath, { timeout: 5_000 });
    blocker.exec("BEGIN IMMEDIATE");
    await daemon.logged(({ msg }) => msg.startsWith("the pipe stands still"));
    await systemd.heard(({ STATUS }) => STATUS?.startsWith("STALLED") ?? false);
    const stalled = beats();
    const retries = daemon.output().split("trying again").length;
    await expect.poll(() => daemon.output().split("trying again").length, { timeout: 40_000 }).toBeGreaterThan(retries);
    expect(beats()).toBe(stalled);
    blocker.exec("ROLLBACK");
    blocker.close();
    await moreBeats(2);
    expect(daemon.output()).toContain("the pipe moves again");
  });

  it("is not ready while its journal takes no writes, then not live either, and both again when it does", async () => {
    start();
    await systemd.heard(({ READY }) => READY === "1");
    await expect.poll(async () => (await probe("readyz")).status, { timeout: 20_000 }).toBe(200);
    expect((await probe("livez")).status).toBe(200);
    const blocker = new DatabaseSync(home.journalPath, { timeout: 5_000 });
    blocker.exec("BEGIN IMMEDIATE");
    const standsStill = /the scanner stands at block \d+ for \d+s although the chain goes on/;
    await expect.poll(async () => (await probe("readyz")).text, { timeout: 40_000 }).toContain("FAIL pipe");
    expect(await probe("readyz")).toEqual({ status: 503, text: expect.stringMatching(standsStill) });
    await expect.poll(async () => (await probe("livez")).status, { timeout: 40_000 }).toBe(503);
    expect((await probe("livez")).text).toMatch(standsStill);
    blocker.exec("ROLLBACK");
    blocker.close();
    await expect.poll(async () => (await probe("readyz")).status, { timeout: 40_000 }).toBe(200);
    expect(await probe("livez")).toEqual({ status: 200, text: "ok\n" });
  });
});
