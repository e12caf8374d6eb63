import { existsSync, readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import * as behaviours from "../../devnet/actors/behaviours.ts";
import type { Provider } from "../../devnet/actors/provider.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { responseAbi } from "../../src/protocol/abi.ts";
import { checksummed, type ResponseAddress, type SourceAddress, type TaskAddress } from "../../src/protocol/brand.ts";
import { ResponseStatus } from "../../src/protocol/statuses.ts";
import { createHome, type DaemonProcess, type LogRecord, startDaemon } from "../support/daemonProcess.ts";
import { bodies } from "../unit/payload/hostile/bodies.ts";
import { compression } from "../unit/payload/hostile/compression.ts";
import { contents } from "../unit/payload/hostile/contents.ts";
import { hosts } from "../unit/payload/hostile/hosts.ts";
import { redirects } from "../unit/payload/hostile/redirects.ts";
import { time } from "../unit/payload/hostile/time.ts";
import { type Arena, createArena } from "../unit/payload/support/arena.ts";

const policy = `
apiVersion: ogpu-confirmd/v1
name: first-valid
mode: enforce
output: { schema: schemas/sentiment.json, maxBytes: 1MiB, timeout: 2s }
strategy: first
eligible: output.valid && response.payment <= task.payment.percent(90)
retries: 1
`;

/** Of the table in the unit tests; there stands what each is. */
const worst: readonly string[] = [
  "gzip bomb of 1 GiB",
  "brotli bomb of 256 MiB",
  "a body without end",
  "a body that drips",
  "a head that drips",
  "redirects without end",
  "a redirect (308) to http://169.254.169.254/latest/meta-data/",
  "http://2130706433/",
  "a body that is not what its CID names",
  "a graph that unfolds without end",
  "JSON 100,000 deep",
];
const table = [compression, time, redirects, hosts, contents, bodies].flat();

let devnet: Devnet;
let source: SourceAddress;
let honest: Provider;
let hostile: Provider;
let daemon: DaemonProcess | undefined;

beforeAll(async () => {
  devnet = await startDevnet({ blockTime: 0.2 });
  source = await devnet.client.publishSource();
  honest = devnet.createProvider(behaviours.honest());
  hostile = devnet.createProvider(behaviours.inline());
  await Promise.all([honest, hostile].map((provider) => provider.enrol(source)));
});
afterAll(async () => {
  daemon?.kill("SIGKILL");
  await daemon?.exited;
  await devnet.stop();
});

type Attack = { readonly what: string; readonly reason: string; readonly data: string };

const arrangeAttacks = (arena: Arena): Promise<readonly Attack[]> =>
  Promise.all(
    worst.map(async (name) => {
      const row = table.find(([what]) => what === name);
      if (!row) throw new Error(`the table has no row ${name}`);
      const arranged = await row[2](arena);
      if (typeof arranged !== "string") throw new Error(`${name} needs options of its own`);
      return { what: name, reason: row[1].replace(" (transient)", ""), data: arranged };
    }),
  );

it("ends the worst payloads in a journalled verdict, in little memory, and pays an honest answer beside them", async () => {
  const arena = createArena();
  const attacks = await arrangeAttacks(arena);
  const { host } = new URL(devnet.gateway.url);
  const payload = { gateways: [devnet.gateway.url], allowHosts: [host, ...arena.hosts], firstByteTimeout: "1s" };
  const home = createHome(devnet, { payload });
  onTestFinished(home.remove);
  home.writePolicy("first-valid.yaml", policy);
  daemon = startDaemon({ home, privateKey: devnet.accounts.agent.privateKey });
  const running = daemon;
  await running.ready();

  const config = await devnet.gateway.putJson({ function_name: "analyze_sentiment", data: { text: "great" } });
  const publish = () => devnet.client.publishTask({ source, config });
  const submitted: { readonly attack: Attack; readonly response: ResponseAddress }[] = [];
  const attacked = await Promise.all(attacks.map(publish));
  await Promise.all(attacked.map((each) => hostile.attempt(each, 1n)));
  for (const [index, attack] of attacks.entries()) {
    const { response } = await hostile.submit(attacked[index] as TaskAddress, attack.data, 1n);
    submitted.push({ attack, response });
  }
  const task = await publish();
  const paid = await honest.respondTo(task);
  await running.logged(
    ({ msg, task: of, state }) => msg === "confirmation" && of === checksummed(task) && state === "final",
  );
  expect(await statusOf(paid.response)).toBe(ResponseStatus.CONFIRMED);

  const settles = (response: ResponseAddress) => (record: LogRecord) =>
    record.msg === "verdict" && record.response === checksummed(response) && record.kind !== "wait";
  await Promise.all(submitted.map(({ response }) => running.logged(settles(response))));
  const peak = peakMebibytes(running.pid);
  running.kill("SIGTERM");
  expect(await running.exited).toBe(0);

  const journal = new DatabaseSync(home.journalPath, { readOnly: true });
  const last = journal.prepare("SELECT kind, reason FROM verdicts WHERE response = ? ORDER BY id DESC LIMIT 1");
  for (const { attack, response } of submitted) {
    const verdict = { what: attack.what, ...last.get(response.toLowerCase()) };
    expect(verdict).toEqual({
      what: attack.what,
      kind: expect.stringMatching(/^(reject|hold)$/),
      reason: expect.stringContaining(attack.reason),
    });
    expect(await statusOf(response)).toBe(ResponseStatus.SUBMITTED);
  }
  journal.close();
  expect(running.output()).not.toMatch(/secret/);
  expect(peak).toBeLessThan(600);
});

const statusOf = (response: ResponseAddress) =>
  devnet.publicClient.readContract({ address: response, abi: responseAbi, functionName: "getStatus" });

/** The most resident memory that a process ever had; 0 where the system does not tell. */
function peakMebibytes(pid: number): number {
  const file = `/proc/${pid}/status`;
  const [, kibibytes = "0"] = (existsSync(file) && /VmHWM:\s+(\d+)/.exec(readFileSync(file, "utf8"))) || [];
  return Number(kibibytes) / 1_024;
}
