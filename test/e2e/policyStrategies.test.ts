import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { formatEther, parseEther } from "viem";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Behaviour } from "../../devnet/actors/behaviours.ts";
import type { Provider } from "../../devnet/actors/provider.ts";
import { RevertError } from "../../devnet/actors/revertError.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { vaultAbi } from "../../src/protocol/abi.ts";
import type { ResponseAddress, SourceAddress, TaskAddress } from "../../src/protocol/brand.ts";
import { checksummed } from "../../src/protocol/brand.ts";
import { isConfirmed } from "../support/chainTruth.ts";
import { createHome, type DaemonProcess, type Home, type LogRecord, startDaemon } from "../support/daemonProcess.ts";

const policyFile = (strategy: string, more: string) => `apiVersion: ogpu-confirmd/v1
name: ${strategy}
mode: enforce
match: { functions: [${strategy}] }
strategy: ${strategy}
eligible: output.valid && output.json.label in ["cat", "dog"]
${more}
`;
const files = {
  "first-valid.yaml": policyFile("first", ""),
  "cheapest.yaml": policyFile("cheapest", "window: { for: 5s }"),
  "best.yaml": policyFile("best", "score: provider.lockup\nwindow: { for: 5s }"),
  "quorum.yaml": policyFile(
    "quorum",
    "quorum: { count: 2, key: output.json.label, pick: cheapest }\nwindow: { for: 30s }",
  ),
  "manual.yaml": policyFile("manual", ""),
  "quality.yaml": `apiVersion: ogpu-confirmd/v1
name: quality
mode: enforce
match: { functions: [quality] }
strategy: first
eligible: >-
  output.valid && size([
    size(output.text) >= 20,
    !output.text.matches("(?i)\\\\b(error|failed|timeout|cow)\\\\b"),
    output.json.by > 1500,
    provider.rejected <= 100
  ].filter(check, check)) >= 3
`,
};

/** Says a label for a share of the task's payment. */
const saying = (label: string, priceBps: number): Behaviour => ({
  name: `${label} for ${priceBps}`,
  delayMs: 0,
  priceBps,
  answer: async () => JSON.stringify({ label, by: priceBps }),
});

const main = join(import.meta.dirname, "../../src/main.ts");
let devnet: Devnet;
let source: SourceAddress;
let home: Home;
let daemon: DaemonProcess;
let dear: Provider;
let cheap: Provider;
let fair: Provider;
let wrong: Provider;

beforeAll(async () => {
  devnet = await startDevnet({ blockTime: 0.2 });
  source = await devnet.client.publishSource();
  dear = devnet.createProvider(saying("cat", 9_000));
  cheap = devnet.createProvider(saying("dog", 2_000));
  fair = devnet.createProvider(saying("cat", 6_000));
  wrong = devnet.createProvider(saying("cow", 1_000));
  await Promise.all([dear, cheap, wrong].map((provider) => provider.enrol(source, parseEther("2"))));
  await fair.enrol(source, parseEther("5"));
  home = createHome(devnet, {});
  for (const [name, file] of Object.entries(files)) home.writePolicy(name, file);
  daemon = startDaemon({ home, privateKey: devnet.accounts.agent.privateKey });
  await daemon.ready();
});
afterAll(async () => {
  daemon?.kill("SIGTERM");
  await daemon?.exited;
  home?.remove();
  await devnet?.stop();
});

const about = (task: TaskAddress, fields: Partial<LogRecord>) => (record: LogRecord) =>
  record.task === checksummed(task) && Object.entries(fields).every(([key, value]) => record[key] === value);
const vaultBalance = () =>
  devnet.publicClient.readContract({
    address: devnet.deployment.vault,
    abi: vaultAbi,
    functionName: "getBalanceOf",
    args: [devnet.client.address],
  });

const isFinal = (task: TaskAddress) => about(task, { msg: "confirmation", state: "final" });

/** What pays the first that is good: nobody else is in time, however slow the daemon is. */
const paysAtOnce: ReadonlySet<string> = new Set(["first", "quality"]);

/**
 * Publishes a task for a strategy, and lets everybody answer: the wrong one first, then the dear one. Where that one is paid
 * at once, the others come when it is, and the contracts refuse them.
 */
async function play(strategy: string) {
  const config = await devnet.gateway.putJson({ function_name: strategy, data: strategy });
  const before = await vaultBalance();
  const task = await devnet.client.publishTask({ source, config });
  const answers = new Map<Provider, ResponseAddress>();
  const inTime = paysAtOnce.has(strategy) ? [wrong, dear] : [wrong, dear, cheap, fair];
  for (const provider of inTime) answers.set(provider, (await provider.respondTo(task)).response);
  if (paysAtOnce.has(strategy)) {
    await daemon.logged(isFinal(task));
    for (const late of [cheap, fair]) await expect(late.respondTo(task)).rejects.toThrow(RevertError);
  }
  /** Who was paid, by the responses' own word, and what that did cost the client, by the Vault's. */
  const paid = async () => {
    await daemon.logged(isFinal(task));
    const confirmed = await Promise.all(
      [...answers].map(async ([who, response]) => ((await isConfirmed(devnet, response)) ? [who.behaviour.name] : [])),
    );
    return { to: confirmed.flat(), cost: formatEther(before - (await vaultBalance())) };
  };
  return { task, answers, paid };
}

it("first pays the earliest valid answer, though it is dear", async () => {
  const { paid } = await play("first");
  expect(await paid()).toEqual({ to: ["cat for 9000"], cost: "0.9" });
});

it("quality pays the earliest answer that passes three of four checks", async () => {
  const { paid, task, answers } = await play("quality");
  expect(await paid()).toEqual({ to: ["cat for 9000"], cost: "0.9" });
  const refused = await daemon.logged(about(task, { msg: "verdict", response: checksummed(answers.get(wrong) ?? "") }));
  expect(refused).toMatchObject({ kind: "reject", reason: expect.stringMatching(/^size\(\[/) });
});

it("cheapest waits for the window, then pays the lowest valid price: the client saves the rest", async () => {
  const { paid, task } = await play("cheapest");
  await daemon.logged(about(task, { msg: "verdict", kind: "wait", reason: "a cheaper one may come" }));
  expect(await paid()).toEqual({ to: ["dog for 2000"], cost: "0.2" });
});

it("best pays the highest score: here, the highest stake", async () => {
  const { paid } = await play("best");
  expect(await paid()).toEqual({ to: ["cat for 6000"], cost: "0.6" });
});

it("quorum pays the cheapest of those who agree, and neither the cheapest nor the first of all", async () => {
  const { paid } = await play("quorum");
  expect(await paid()).toEqual({ to: ["cat for 6000"], cost: "0.6" });
});

it("manual holds until a person approves, pays once, and keeps who and why", async () => {
  const { paid, task, answers } = await play("manual");
  const response = checksummed(answers.get(fair) ?? "");
  await daemon.logged(about(task, { msg: "verdict", kind: "hold", response }));
  const command = async (...args: readonly string[]) => {
    const child = spawn(process.execPath, [main, ...args, "--config", home.configFile], { cwd: home.directory });
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return { stdout, stderr };
  };
  const queue = JSON.parse((await command("held", "list", "--json")).stdout) as { id: number; response: string }[];
  expect(queue).toHaveLength(3);
  const id = String(queue.find((each) => each.response === response)?.id);
  expect((await command("held", "approve", id)).stderr).toMatch(/needs a reason/);
  expect((await command("held", "approve", id, "--who", "alice", "--why", "read it")).stdout).toMatch(
    /approve, by alice/,
  );
  expect((await command("held", "approve", id, "--who", "bob", "--why", "me too")).stderr).toMatch(/NOT_HELD/);
  expect(await paid()).toEqual({ to: ["cat for 6000"], cost: "0.6" });
  const verdict = await daemon.logged(about(task, { msg: "verdict", kind: "confirm" }));
  expect(verdict.reason).toBe("approved by alice: read it");
  expect((await command("policy", "explain", response)).stdout).toMatch(/approved by alice: read it/);
  expect((await command("policy", "backtest")).stdout).toMatch(/tasks: these files would pay/);
  const ofChain = JSON.parse((await command("policy", "backtest", "--from", "0", "--json")).stdout);
  expect(ofChain).toMatchObject({ skipped: 0, didPay: String(parseEther("3.8")) });
  expect(ofChain.rows).toHaveLength(6);
  const cheaper = join(home.directory, "cheaper");
  mkdirSync(cheaper);
  writeFileSync(join(cheaper, "all.yaml"), files["cheapest.yaml"].replace("match: { functions: [cheapest] }", ""));
  // A task that was paid at once saw no further answer: there is nothing to save there.
  const { stdout } = await command("policy", "backtest", "cheaper", "--from", "0", "--html", "page.html");
  expect(stdout).toMatch(/6 tasks: these files would pay 2\.6 OGPU; 3\.8 OGPU was paid: 1\.2 OGPU less/);
  expect(stdout).toContain(`0.2 OGPU to ${cheap.address.toLowerCase().slice(0, 8)}…`);
  const page = readFileSync(join(home.directory, "page.html"), "utf8");
  expect(page.match(/<rect /g)).toHaveLength(12);
  expect(page).toContain("1.2 OGPU less");
  expect((await command("policy", "backtest", "cheaper")).stdout).toMatch(
    /6 tasks: these files would pay 2\.6 OGPU; 3\.8/,
  );
  expect((await command("policy", "explain", "--decision", "x")).stderr).toMatch(
    /--decision is the number of a decision/,
  );
  expect((await command("policy", "explain", "--decision", id)).stdout).toMatch(new RegExp(`^decision ${id}: hold`));
  expect((await command("policy", "explain", String(queue[0]?.response))).stdout).toMatch(/output\.valid {2}→ {2}true/);
}, 150_000);
