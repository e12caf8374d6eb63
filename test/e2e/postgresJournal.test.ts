import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import * as behaviours from "../../devnet/actors/behaviours.ts";
import type { Provider } from "../../devnet/actors/provider.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { responseAbi } from "../../src/protocol/abi.ts";
import type { ResponseAddress, SourceAddress, TaskAddress } from "../../src/protocol/brand.ts";
import { checksummed } from "../../src/protocol/brand.ts";
import { ResponseStatus } from "../../src/protocol/statuses.ts";
import { createHome, type DaemonProcess, type Home, startDaemon } from "../support/daemonProcess.ts";
import { describePostgres, postgresPlace, query } from "../support/journals.ts";

const run = promisify(execFile);
const main = join(import.meta.dirname, "../../src/main.ts");

describePostgres("a daemon with its journal in PostgreSQL", (server) => {
  let devnet: Devnet;
  let source: SourceAddress;
  let config: string;
  let honest: Provider;
  let home: Home;
  let daemon: DaemonProcess;
  let count = 0;
  let name: string;

  beforeAll(async () => {
    devnet = await startDevnet({ blockTime: 0.2 });
    source = await devnet.client.publishSource();
    config = await devnet.gateway.putJson({ function_name: "analyze_sentiment", data: { text: "great" } });
    honest = devnet.createProvider(behaviours.honest());
    await honest.enrol(source);
  });
  afterAll(() => devnet.stop());
  beforeEach(async () => {
    name = `daemon_${++count}`;
    await postgresPlace(server(), name);
    home = createHome(devnet, { journal: { url: server().urlOf(name), passwordFile: "journal-password" } });
    writeFileSync(join(home.directory, "journal-password"), `${server().password}\n`, { mode: 0o600 });
  });
  afterEach(async () => {
    daemon.kill("SIGKILL");
    await daemon.exited;
    home.remove();
  });

  const start = (env = {}) => {
    daemon = startDaemon({ home, privateKey: devnet.accounts.agent.privateKey, env });
    return daemon;
  };
  const publish = () => devnet.client.publishTask({ source, config });
  const agentNonce = () => devnet.publicClient.getTransactionCount({ address: devnet.accounts.agent.address });
  const isConfirmed = async (response: ResponseAddress) =>
    (await devnet.publicClient.readContract({ address: response, abi: responseAbi, functionName: "getStatus" })) ===
    ResponseStatus.CONFIRMED;
  const final = (task: TaskAddress) =>
    daemon.logged((each) => each.msg === "confirmation" && each.state === "final" && each.task === checksummed(task));
  const cli = async (...args: readonly string[]) => {
    const { PATH, NODE_COMPILE_CACHE } = process.env;
    const options = { cwd: home.directory, env: { PATH, NODE_COMPILE_CACHE, NODE_ENV: "production" } };
    const { stdout } = await run(process.execPath, [main, ...args, "--config", home.configFile], options);
    return stdout;
  };

  it("pays each task once although it is killed while it pays, and refuses a second daemon", async () => {
    await start().ready();
    const nonce = await agentNonce();
    const tasks = await Promise.all(Array.from({ length: 8 }, publish));
    const answered = Promise.all(tasks.map((task) => honest.respondTo(task)));
    await daemon.logged(({ msg, state }) => msg === "confirmation" && state === "signed");
    daemon.kill("SIGKILL");
    await daemon.exited;
    const responses = await answered;
    await start().ready();
    const second = startDaemon({ home, privateKey: devnet.accounts.agent.privateKey });
    expect(await second.exited).toBe(75);
    expect(second.output()).toContain("JOURNAL_LOCKED");
    await Promise.all(tasks.map(final));
    for (const { response } of responses) expect(await isConfirmed(response)).toBe(true);
    expect(await agentNonce()).toBe(nonce + tasks.length);
    expect(await query(server(), name, "SELECT state, count(*)::int AS count FROM confirmations GROUP BY 1")).toEqual([
      { state: "final", count: tasks.length },
    ]);

    const status = JSON.parse(await cli("status", "--json"));
    expect(status).toMatchObject({ daemon: "running", paying: "on", openTasks: 0 });
    expect(status.journal).toBe(`PostgreSQL 127.0.0.1:${server().port}/${name}`);
    expect(JSON.parse(await cli("journal", "verify", "--json"))).toMatchObject({ ok: true });
    expect(await cli("pause", "--why", "a look at prices")).toContain(`in the journal ${status.journal}\n`);
    expect(await cli("limits")).toContain("a look at prices");
    const resumed = JSON.parse(await cli("resume", "--why", "they are fine", "--json"));
    expect(resumed).toMatchObject({ ended: { why: "a look at prices" }, journal: status.journal, held: true });
    expect(await cli("held", "list")).toContain("nothing is held");
    for (const text of [daemon.output(), second.output(), await cli("check"), JSON.stringify(status)])
      for (const secret of [server().password, encodeURIComponent(server().password)])
        expect(text).not.toContain(secret);
  });

  it("hands its journal to a standby with another key when it is killed while it pays: each task is paid once", async () => {
    const [first, second] = [devnet.accounts.agent, devnet.accounts.stranger];
    await devnet.client.setAgent(second.address);
    const nonces = () =>
      Promise.all([first, second].map(({ address }) => devnet.publicClient.getTransactionCount({ address })));
    await start().ready();
    const before = await nonces();
    // As its supervisor starts it, again and again.
    const standBy = async (): Promise<DaemonProcess> => {
      for (;;) {
        const next = startDaemon({ home, privateKey: second.privateKey });
        const isReady = await next.ready().then(
          () => true,
          () => false,
        );
        if (isReady) return next;
        expect(await next.exited).toBe(75);
        await pause(1_000);
      }
    };
    const takenOver = standBy();
    const tasks = await Promise.all(Array.from({ length: 6 }, publish));
    const answered = Promise.all(tasks.map((task) => honest.respondTo(task)));
    await daemon.logged(({ msg, state }) => msg === "confirmation" && state === "signed");
    daemon.kill("SIGKILL");
    await daemon.exited;
    daemon = await takenOver;
    const returned = startDaemon({ home, privateKey: first.privateKey });
    tasks.push(await publish());
    const responses = [...(await answered), await honest.respondTo(tasks.at(-1) as TaskAddress)];
    await Promise.all(tasks.map(final));
    expect(await returned.exited).toBe(75);
    for (const { response } of responses) expect(await isConfirmed(response)).toBe(true);

    const paid = (await nonces()).map((nonce, index) => nonce - (before[index] ?? 0));
    expect(paid[0]).toBeGreaterThan(0);
    expect(paid[1]).toBeGreaterThan(0);
    expect(await query(server(), name, "SELECT state, count(*)::int AS count FROM confirmations GROUP BY 1")).toEqual([
      { state: "final", count: tasks.length },
    ]);
    const bySigner = "SELECT signer, count(DISTINCT confirmation_id)::int AS count FROM attempts GROUP BY 1";
    const signed = (await query(server(), name, bySigner)) as { signer: string; count: number }[];
    expect(new Map(signed.map(({ signer, count }) => [signer, count]))).toEqual(
      new Map([first, second].map(({ address }, index) => [address.toLowerCase(), paid[index]])),
    );
  }, 60_000);

  it("ends, also one that pays nothing, when another has taken its journal", async () => {
    home.remove();
    home = createHome(devnet, {
      journal: { url: server().urlOf(name), passwordFile: "journal-password" },
      watch: { sources: [source] },
      sink: { dryRun: true },
    });
    writeFileSync(join(home.directory, "journal-password"), `${server().password}\n`, { mode: 0o600 });
    await start().ready();
    await query(server(), name, "UPDATE holder SET token = token + 1");
    await publish();
    expect(await daemon.exited).toBe(70);
    expect(daemon.output()).toContain("JOURNAL_TAKEN");
  });

  it("says that the server is gone, and goes on when it is back: nothing is lost, and nothing paid twice", async () => {
    const { http } = await start().ready();
    const readiness = async () => (await fetch(`${http}/readyz`)).status;
    await expect.poll(readiness, { timeout: 30_000 }).toBe(200);
    const nonce = await agentNonce();
    await server().halt("fast");
    const task = await publish();
    const { response } = await honest.respondTo(task);
    await expect.poll(readiness, { timeout: 40_000, interval: 250 }).toBe(503);
    expect(await (await fetch(`${http}/readyz`)).text()).toContain("does not answer");
    await daemon.logged(({ msg, level }) => msg === "the journal's state changed" && level === "error");
    expect(await isConfirmed(response)).toBe(false);
    await server().start();
    await final(task);
    expect(await isConfirmed(response)).toBe(true);
    expect(await agentNonce()).toBe(nonce + 1);
    await expect.poll(readiness, { timeout: 40_000, interval: 250 }).toBe(200);
    daemon.kill("SIGTERM");
    expect(await daemon.exited).toBe(0);
  }, 150_000);

  it("stands still while the server is gone: no endpoint is to blame, and its supervisor may start it again", async () => {
    home.remove();
    home = createHome(devnet, {
      journal: { url: server().urlOf(name), passwordFile: "journal-password" },
      rpc: { timeout: "500ms" },
    });
    writeFileSync(join(home.directory, "journal-password"), `${server().password}\n`, { mode: 0o600 });
    // As under a watchdog of two seconds.
    const { http } = await start({ WATCHDOG_USEC: "2000000" }).ready();
    const probe = async (path: string) => (await fetch(`${http}/${path}`)).status;
    await expect.poll(() => probe("readyz"), { timeout: 30_000 }).toBe(200);
    await server().halt("fast");
    await daemon.logged(({ msg }) => msg.startsWith("the pipe stands still"));
    await expect.poll(() => probe("livez"), { timeout: 40_000, interval: 250 }).toBe(503);
    await server().start();
    await expect.poll(() => probe("readyz"), { timeout: 40_000, interval: 250 }).toBe(200);
    expect(await probe("livez")).toBe(200);
  }, 150_000);
});
