import { createHash } from "node:crypto";
import { cpSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { encodeFunctionData, type Hex, parseEther } from "viem";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import * as behaviours from "../../devnet/actors/behaviours.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { openSqliteJournal } from "../../src/journal/sqliteJournal.ts";
import { nexusAbi } from "../../src/protocol/abi.ts";
import { checksummed, type TaskAddress } from "../../src/protocol/brand.ts";
import { confirmationsOnChain } from "../support/chainTruth.ts";
import { createHome, type DaemonProcess, type Home, type LogRecord, startDaemon } from "../support/daemonProcess.ts";
import { sendAtOnce, signInAdvance } from "../support/rawTransactions.ts";

const taskCount = 80;
const providerCount = 10;
const perSecond = 100;
const total = taskCount * providerCount;
/** Of each task's ten answers, the last one is right. */
const answerOf = (place: number, task: number) =>
  JSON.stringify({ label: place === providerCount - 1 ? "positive" : "spam", task, place });

const policyText = (version: number | string, eligible = 'output.valid && output.json.label == "positive"') =>
  `apiVersion: ogpu-confirmd/v1\nname: edited\nmode: enforce\nstrategy: first\neligible: ${eligible}\n# version ${version}\n`;

let devnet: Devnet;
let home: Home;
let daemon: DaemonProcess;

beforeAll(async () => {
  const anvilArgs = ["--gas-limit", "1000000000", "--order", "fifo"];
  devnet = await startDevnet({ blockTime: 0.2, providers: providerCount + 1, anvilArgs });
  home = createHome(devnet, { log: { level: "info", format: "json" } });
  home.writePolicy("first-valid.yaml", policyText(0));
  daemon = startDaemon({ home, privateKey: devnet.accounts.agent.privateKey });
  await daemon.ready();
});
afterAll(async () => {
  daemon?.kill("SIGTERM");
  await daemon?.exited;
  home?.remove();
  await devnet?.stop();
});

/** As an editor saves: a new file in the place of the old one, or the old one written anew in two pieces. */
function save(text: string, inPieces = false): void {
  const path = join(home.directory, "policies", "first-valid.yaml");
  if (inPieces) writeFileSync(path, text.slice(0, text.length / 2));
  writeFileSync(join(home.directory, "next"), text);
  renameSync(join(home.directory, "next"), path);
}

/** The digest of a policy with neither schema nor plug-in, by its text alone. */
const digestOf = (text: string): string => createHash("sha256").update(`${text}\0`).digest("hex");

const records = (): readonly LogRecord[] =>
  daemon
    .output()
    .split("\n")
    .filter((line) => line.startsWith("{") && line.endsWith("}"))
    .map((line) => JSON.parse(line));
const refusals = () => records().filter(({ msg }) => msg.startsWith("the changed policies are refused"));

/** Publishes the tasks, has every provider attempt every one, and signs all answers: the load is then sending alone. */
async function prepare() {
  const { network, client, deployment, accounts } = devnet;
  const source = await client.publishSource();
  const config = '{"function_name":"analyze_sentiment","data":{"text":"great"}}';
  const payment = parseEther("0.5");
  const crowd = accounts.providers.slice(0, providerCount);
  await Promise.all(crowd.map(() => devnet.createProvider(behaviours.inline()).enrol(source)));
  const tasks = await Promise.all(
    Array.from({ length: taskCount }, () => client.publishTask({ source, config, payment })),
  );
  const call = (data: Hex) => ({ to: deployment.nexus, data });
  const attempts = await Promise.all(
    crowd.map((account) => {
      const args = (task: TaskAddress) => [task, account.address, payment] as const;
      const data = (task: TaskAddress) =>
        encodeFunctionData({ abi: nexusAbi, functionName: "attempt", args: args(task) });
      return signInAdvance(
        network,
        account,
        tasks.map((task) => call(data(task))),
      );
    }),
  );
  for (const each of attempts) await sendAtOnce(network, each);
  await devnet.mine(2);
  return Promise.all(
    crowd.map((account, place) => {
      const data = (task: TaskAddress, index: number) => {
        const answer = { task, provider: account.address, data: answerOf(place, index), payment };
        return encodeFunctionData({ abi: nexusAbi, functionName: "submitResponse", args: [answer] });
      };
      return signInAdvance(
        network,
        account,
        tasks.map((task, index) => call(data(task, index))),
      );
    }),
  );
}

const readJournal = async () => {
  const journal = openSqliteJournal({ path: home.journalPath, chainId: devnet.chainId, shared: true });
  try {
    return { decisions: await journal.decisions(0), unsettled: await journal.unsettled() };
  } finally {
    await journal.close();
  }
};

/** Waits until so many verdicts are in the journal and all that was to be paid is final; gives up after a minute. */
async function untilDecided(count: number) {
  for (let polls = 0; ; polls++) {
    const { decisions, unsettled } = await readJournal();
    if (polls === 120 || (decisions.length >= count && unsettled.length === 0)) return decisions;
    await sleep(500);
  }
}

it("loses no verdict and decides nothing twice while its file is edited under 100 responses a second", async () => {
  const answers = await prepare();
  const nonce = await devnet.publicClient.getTransactionCount({ address: devnet.accounts.agent.address });
  // The right answer of a task comes a second after its last wrong one: whoever came later would be refused by the chain.
  const wrong = Array.from({ length: taskCount }, (_, task) =>
    answers.slice(0, -1).map((own) => own[task] as Hex),
  ).flat();
  const right = (answers.at(-1) ?? []).map((raw, task) => ({ raw, at: (task + 1) * providerCount - 1 + perSecond }));
  const stream = [...wrong];
  for (const { raw, at } of right) if (at < stream.length) stream.splice(at, 0, raw);
  const late = right.slice(stream.length - wrong.length).map(({ raw }) => raw);
  expect(stream.length + late.length).toBe(total);

  const slice = perSecond / 10;
  const started = performance.now();
  for (let sent = 0; sent < stream.length; sent += slice) {
    await sendAtOnce(devnet.network, stream.slice(sent, sent + slice));
    const step = sent / slice;
    if (step % 4 === 1) save(policyText(step, step % 8 === 5 ? "output.vald" : undefined), step % 3 === 0);
    if (step % 16 === 9) daemon.kill("SIGHUP");
    await sleep(Math.max(0, started + (sent + slice) * (1_000 / perSecond) - performance.now()));
  }
  await untilDecided(stream.length);
  save(policyText("when the load is over"));
  await sendAtOnce(devnet.network, late);
  const decisions = await untilDecided(total);

  const decided = Object.values(Object.groupBy(decisions, ({ response }) => response));
  expect(decided.filter((each) => each?.length !== 1)).toEqual([]);
  expect(decided).toHaveLength(total);
  const kinds = Object.groupBy(decisions, ({ kind }) => kind);
  expect([kinds.confirm?.length, kinds.reject?.length]).toEqual([taskCount, total - taskCount]);
  expect(new Set(decisions.map(({ policyDigest }) => policyDigest)).size).toBeGreaterThan(2);
  expect(refusals().length).toBeGreaterThan(0);
  for (const { problems } of refusals()) expect(problems).toMatch(/first-valid\.yaml:\d+:\d+: /);
  const paid = await confirmationsOnChain(devnet);
  expect([paid.size, ...new Set(paid.values())]).toEqual([taskCount, 1]);
  const spent = await devnet.publicClient.getTransactionCount({ address: devnet.accounts.agent.address });
  expect(spent - nonce).toBe(taskCount);
}, 240_000);

it("refuses a broken file whole, says where, and judges on by the set before", async () => {
  const changes = () => records().filter(({ msg }) => msg === "the changed policies are in force").length;
  const lastGood = policyText("the last good one");
  const sofar = changes();
  save(lastGood);
  while (changes() === sofar) await sleep(50);
  const before = { changes: changes(), refusals: refusals().length };
  save(policyText("broken", "output.vald"));
  daemon.kill("SIGHUP");
  while (refusals().length === before.refusals) await sleep(50);
  expect(refusals().at(-1)?.problems).toMatch(
    /first-valid\.yaml:5:18: output has no field vald \(did you mean valid\?\)/,
  );

  const source = await devnet.client.publishSource();
  const provider = devnet.createProvider({
    ...behaviours.inline(),
    answer: async () => answerOf(providerCount - 1, -1),
  });
  await provider.register(source).catch(() => provider.enrol(source));
  const task = await devnet.client.publishTask({ source, config: '{"function_name":"analyze_sentiment"}' });
  const { response } = await provider.respondTo(task);
  await daemon.logged(
    ({ msg, task: of, state }) => msg === "confirmation" && of === checksummed(task) && state === "final",
  );
  const { decisions } = await readJournal();
  const decision = decisions.find((each) => each.response === response);
  expect(decision).toMatchObject({ kind: "confirm", policyDigest: digestOf(lastGood) });
  expect(changes()).toBe(before.changes);
  save(policyText("mended"));
  while (changes() === before.changes) await sleep(50);
});

it("takes another folder in the place of the first at a hang-up, where no file that it watches has changed", async () => {
  const other = createHome(devnet, {});
  onTestFinished(other.remove);
  const policies = join(other.directory, "policies");
  const next = join(other.directory, "next");
  cpSync(policies, next, { recursive: true });
  writeFileSync(join(next, "first-valid.yaml"), policyText("in the other folder"));
  const link = join(other.directory, "current");
  symlinkSync(policies, link);
  writeFileSync(other.configFile, readFileSync(other.configFile, "utf8").replace(`dir: ${policies}`, `dir: ${link}`));
  const running = startDaemon({ home: other, privateKey: devnet.accounts.agent.privateKey, args: ["--sink-dry-run"] });
  onTestFinished(async () => {
    running.kill("SIGKILL");
    await running.exited;
  });
  await running.ready();
  symlinkSync(next, `${link}.new`);
  renameSync(`${link}.new`, link);
  running.kill("SIGHUP");
  const { policies: names } = await running.logged(({ msg }) => msg === "the changed policies are in force");
  expect(names).toEqual(["edited (enforce)"]);
});
