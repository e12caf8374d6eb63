import { execFile } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { parseEther, parseGwei, toHex } from "viem";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { setBalance, testNode } from "../../devnet/network.ts";
import type { TaskAddress } from "../../src/protocol/brand.ts";
import { confirmationsOnChain } from "../support/chainTruth.ts";
import { createHome, type DaemonProcess, type Home, startDaemon } from "../support/daemonProcess.ts";
import { journalRows, openPayStage, type PayStage, timesLogged, toldOf } from "../support/payStage.ts";

let stage: PayStage;
let home: Home;
let daemon: DaemonProcess;
beforeEach(async () => {
  stage = await openPayStage();
});
afterEach(async () => {
  await killed();
  home.remove();
  await stage.devnet.stop();
});

const start = (args: readonly string[] = []) => {
  daemon = startDaemon({ home, privateKey: stage.devnet.accounts.agent.privateKey, args });
  return daemon.ready();
};
/** What an operator's command beside the daemon prints. */
const command = async (name: string, ...args: readonly string[]): Promise<string> => {
  const main = join(import.meta.dirname, "../../src/main.ts");
  const { stdout } = await promisify(execFile)(process.execPath, [main, name, "--config", home.configFile, ...args]);
  return stdout;
};
const killed = async () => {
  daemon.kill("SIGKILL");
  await daemon.exited;
};
const mineSome = async (blocks: number) => {
  for (let block = 0; block < blocks; block++) {
    await stage.devnet.mine();
    await sleep(150);
  }
};
const paidOnChain = async (tasks: readonly TaskAddress[]) => {
  const counts = await confirmationsOnChain(stage.devnet);
  return tasks.map((task) => counts.get(task) ?? 0);
};
const ofTasks = (tasks: readonly TaskAddress[]) => tasks.map((task) => `'${task}'`).join(", ");
const approved = async (tasks: readonly TaskAddress[]) => {
  const found = `SELECT id FROM confirmations WHERE task IN (${ofTasks(tasks)})`;
  while (journalRows(home, found).length < tasks.length) await sleep(50);
};
/** In the order in which they were approved. */
const confirmations = (tasks: readonly TaskAddress[]) =>
  journalRows(home, `SELECT task, state, nonce FROM confirmations WHERE task IN (${ofTasks(tasks)}) ORDER BY id`);

describe("the ceiling of an hour", () => {
  it("holds what would pass it, across a SIGKILL, and pays it in order once it is raised", async () => {
    home = createHome(stage.devnet, { guardrails: { perHour: "1 OGPU" } });
    await start();
    const tasks = await stage.answeredTasks(4, parseEther("0.4"));
    const reached = await daemon.logged(({ msg }) => msg.startsWith("a ceiling is reached"));
    expect(reached).toMatchObject({
      cap: "guardrails.perHour",
      of: "all",
      used: "0.8 OGPU",
      limit: "1 OGPU",
      until: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
    await approved(tasks);
    const order = confirmations(tasks).map(({ task }) => task as TaskAddress);
    await stage.mineUntil(toldOf(daemon, "final", order.slice(0, 2)));
    await mineSome(4);
    expect(timesLogged(daemon, reached.msg)).toBe(1);
    expect(await paidOnChain(order)).toEqual([1, 1, 0, 0]);

    await killed();
    await start();
    expect(await daemon.logged(({ msg }) => msg === reached.msg)).toMatchObject({ used: "0.8 OGPU" });
    await mineSome(4);
    expect(await paidOnChain(order)).toEqual([1, 1, 0, 0]);
    const shown = JSON.parse(await command("limits", "--json"));
    expect(shown).toMatchObject({ pause: null, waiting: 2 });
    expect(shown.ceilings).toContainEqual(
      expect.objectContaining({ cap: "guardrails.perHour", used: "0.8 OGPU", left: "0.2 OGPU" }),
    );

    await killed();
    await start(["--guardrails-per-hour", "2 OGPU"]);
    await stage.mineUntil(toldOf(daemon, "final", order.slice(2)));
    expect(await paidOnChain(order)).toEqual([1, 1, 1, 1]);
    const nonces = confirmations(tasks).map(({ nonce }) => Number(nonce));
    expect(nonces).toEqual(nonces.toSorted((a, b) => a - b));
  });
});

describe("the gas that a key's balance pays", () => {
  it("is one figure: a key that is given nothing is not ready, and log, /readyz, /status and metrics say the same", async () => {
    const { network, accounts, mine } = stage.devnet;
    await testNode(network, "anvil_setNextBlockBaseFeePerGas", [toHex(parseGwei("100"))]);
    await mine();
    // More than one confirmation at the node's gas price; less than one at the most that it would offer.
    await setBalance(network, accounts.agent.address, parseEther("0.03"));
    home = createHome(stage.devnet);
    const { http } = await start();
    const text = async (path: string) => (await fetch(`${http}${path}`)).text();
    await daemon.logged(({ msg }) => msg.startsWith("the key cannot pay for gas"));
    const low = await daemon.logged(({ msg }) => msg.startsWith("the key's balance will not pay for gas much longer"));
    expect(low).toMatchObject({ balance: "0.03 OGPU", confirmations: 0 });
    while (!/^ok {3}backfill/m.test(await text("/readyz"))) await sleep(50);
    while (/ key: .*not read yet/.test(await text("/readyz"))) await sleep(50);
    expect(await text("/readyz")).toContain("FAIL key: 0.03 OGPU, pays the gas of 0 confirmations\n");
    expect(JSON.parse(await text("/status"))).toMatchObject({ key: { confirmations: 0 }, ready: { ok: false } });
    const metrics = await text("/metrics");
    expect(metrics).toContain("ogpu_confirmd_signer_confirmations_left 0\n");
    expect(metrics).toContain('ogpu_confirmd_ready{check="key"} 0\n');

    await setBalance(network, accounts.agent.address, parseEther("10"));
    await stage.mineUntil(daemon.logged(({ msg }) => msg === "the key can pay for gas again"));
    while ((await fetch(`${http}/readyz`)).status !== 200) await sleep(50);
  }, 120_000);
});

describe("a policy's own ceiling", () => {
  it("is kept by whoever pays", async () => {
    home = createHome(stage.devnet);
    home.writePolicy(
      "first-valid.yaml",
      "apiVersion: ogpu-confirmd/v1\nname: thrifty\nmode: enforce\ncaps: {perDay: 0.5 OGPU}\nstrategy: first\neligible: 'true'\n",
    );
    await start();
    const tasks = await stage.answeredTasks(2, parseEther("0.4"));
    const reached = await daemon.logged(({ msg }) => msg.startsWith("a ceiling is reached"));
    expect(reached).toMatchObject({ cap: "caps.perDay of thrifty", of: "policy thrifty", used: "0.4 OGPU" });
    await approved(tasks);
    await stage.mineUntil(daemon.logged(({ msg, state }) => msg === "confirmation" && state === "final"));
    await mineSome(4);
    expect((await paidOnChain(tasks)).toSorted()).toEqual([0, 1]);
  });
});

describe("a pause", () => {
  it("holds everything, also after a SIGKILL, until somebody resumes; then it is paid in order", async () => {
    home = createHome(stage.devnet);
    await start();
    expect(await command("pause", "--why", "prices look wrong", "--who", "alice")).toContain("paying is paused");
    await stage.devnet.mine();
    const paused = await daemon.logged(({ msg }) => msg.startsWith("paying is paused"));
    expect(paused).toMatchObject({ by: "operator", who: "alice", why: "prices look wrong" });
    const tasks = await stage.answeredTasks(3);
    await approved(tasks);
    await mineSome(4);
    expect(await paidOnChain(tasks)).toEqual([0, 0, 0]);

    await killed();
    await start();
    await mineSome(4);
    await daemon.logged(({ msg }) => msg.startsWith("paying is paused"));
    expect(await paidOnChain(tasks)).toEqual([0, 0, 0]);
    expect(await command("limits")).toMatch(
      /paying is PAUSED since .* by alice: prices look wrong\n3 confirmations wait/,
    );

    expect(await command("resume", "--who", "bob", "--why", "they are right")).toContain("resumed, by bob; alice had");
    await stage.mineUntil(toldOf(daemon, "final", tasks));
    expect(timesLogged(daemon, "paying is resumed")).toBe(1);
    expect(await paidOnChain(tasks)).toEqual([1, 1, 1]);
    const nonces = confirmations(tasks).map(({ nonce }) => Number(nonce));
    expect(nonces).toEqual(nonces.toSorted((a, b) => a - b));
    expect(journalRows(home, "SELECT action, who, why FROM pauses ORDER BY id")).toEqual([
      { action: "pause", who: "alice", why: "prices look wrong" },
      { action: "resume", who: "bob", why: "they are right" },
    ]);
  });

  it("is the time to withdraw what a bad policy approved: it is never paid, and what comes later is", async () => {
    home = createHome(stage.devnet);
    await start();
    await command("pause", "--why", "a bad policy", "--who", "alice");
    const bad = await stage.answeredTasks(3);
    await approved(bad);
    const listed = JSON.parse(await command("withdraw", "--json"));
    expect(listed).toHaveLength(3);
    expect(listed[0]).toMatchObject({ policy: "first-valid", canBeWithdrawn: true });
    const words = ["--policy", "first-valid", "--why", "it pays for nothing", "--who", "alice", "--yes"];
    expect(await command("withdraw", ...words)).toMatch(/^3 approvals \(.* OGPU\) withdrawn, by alice\n/);
    await stage.mineUntil(toldOf(daemon, "rejected", bad));
    await command("resume", "--who", "bob", "--why", "the old file is back");
    const good = await stage.answeredTasks(1);
    await stage.mineUntil(toldOf(daemon, "final", good));
    expect(await paidOnChain([...bad, ...good])).toEqual([0, 0, 0, 1]);
    const reason = "withdrawn by alice: it pays for nothing";
    const found = `SELECT DISTINCT state, reason, nonce FROM confirmations WHERE task IN (${ofTasks(bad)})`;
    expect(journalRows(home, found)).toEqual([{ state: "rejected", reason, nonce: null }]);
  });

  it("comes by SIGUSR1, which opens no debugger, and goes by SIGUSR2", async () => {
    home = createHome(stage.devnet);
    await start();
    daemon.kill("SIGUSR1");
    await daemon.logged(({ msg }) => msg === "told to pause paying");
    const tasks = await stage.answeredTasks(1);
    await approved(tasks);
    await mineSome(4);
    expect(await paidOnChain(tasks)).toEqual([0]);
    daemon.kill("SIGUSR2");
    await stage.mineUntil(toldOf(daemon, "final", tasks));
    expect(await paidOnChain(tasks)).toEqual([1]);
    expect(journalRows(home, "SELECT action, who FROM pauses ORDER BY id")).toEqual([
      { action: "pause", who: "SIGUSR1" },
      { action: "resume", who: "SIGUSR2" },
    ]);
    expect(daemon.output()).not.toContain("Debugger listening");
  });
});

describe("the circuit breaker", () => {
  it("pauses paying after confirmations that really reverted in a row, and pays each once when somebody resumes", async () => {
    // A tip below that of the client's transaction, so that the client's comes first in the block.
    home = createHome(stage.devnet, { guardrails: { maxReverts: 2 }, sink: { maxTip: "0.1 gwei" } });
    await start();
    const { devnet } = stage;
    const agent = devnet.accounts.agent.address;
    const tasks = await stage.answeredTasks(2);
    await toldOf(daemon, "broadcast", tasks);
    // Their simulation has passed; before they are mined, the client takes the agent's authority away.
    const revoked = devnet.client.setAgent(agent, false);
    while ((await devnet.publicClient.getBlockTransactionCount({ blockTag: "pending" })) < 3) await sleep(50);
    await devnet.mine();
    await revoked;
    expect(await paidOnChain(tasks)).toEqual([0, 0]);
    const paused = await stage.mineUntil(daemon.logged(({ msg }) => msg.startsWith("paying is paused")));
    expect(paused).toMatchObject({ by: "reverts", why: expect.stringContaining("2 confirmations in a row reverted") });
    // What it met in its own block, and nowhere else: the block before would still have let it pass.
    const why = "NotOwner: the signer is neither the client nor its agent";
    const told = await daemon.logged(({ msg }) => msg === "a mined confirmation reverted");
    expect(told).toMatchObject({ reason: why });
    const again = await daemon.logged((each) => each.msg === "confirmation" && each.state === "intended");
    expect(again).toMatchObject({ reason: `it reverted (${why}), and is tried anew` });

    await stage.mineUntil(devnet.client.setAgent(agent, true));
    await killed();
    await start();
    await mineSome(20);
    expect(await paidOnChain(tasks)).toEqual([0, 0]);
    await command("resume", "--why", "the client has authorised the agent again");
    await stage.mineUntil(toldOf(daemon, "final", tasks));
    expect(await paidOnChain(tasks)).toEqual([1, 1]);
  });
});
