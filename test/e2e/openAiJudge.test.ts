import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, it } from "vitest";
import { inline } from "../../devnet/actors/behaviours.ts";
import type { Provider } from "../../devnet/actors/provider.ts";
import { dieWithParent } from "../../devnet/dieWithParent.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { checksummed, type SourceAddress } from "../../src/protocol/brand.ts";
import { isConfirmed } from "../support/chainTruth.ts";
import { createHome, type DaemonProcess, type Home, startDaemon } from "../support/daemonProcess.ts";

const secret = "correct horse battery staple";
const key = "sk-not-a-real-key";
const root = join(import.meta.dirname, "../..");

/** What the model says of an answer that holds a word; `undefined`: nothing, ever. */
const sayings: Readonly<Record<string, (asked: number) => { status?: number; content?: string } | undefined>> = {
  splendid: () => ({ content: '{"score": 0.9}' }),
  dull: () => ({ content: '{"score": 0.2}' }),
  boastful: () => ({ content: '{"score": true}' }),
  excessive: () => ({ content: '{"score": 100}' }),
  talkative: () => ({ content: "I would say 0.9!" }),
  flaky: (asked) => (asked === 1 ? { status: 500 } : { content: '{"score": 0.8}' }),
  silent: () => undefined,
};

type Asked = { readonly word: string; readonly authorization: unknown; readonly body: Record<string, unknown> };
const asked: Asked[] = [];

/** A server with the shape of OpenAI's chat completions. */
function serveModel(): Server {
  return createServer(async (request: IncomingMessage, response) => {
    const raw = await text(request);
    const body = JSON.parse(raw) as Record<string, unknown>;
    const word = Object.keys(sayings).find((each) => raw.includes(each)) ?? "";
    if (request.method !== "POST" || request.url !== "/v1/chat/completions") return void response.writeHead(404).end();
    asked.push({ word, authorization: request.headers.authorization, body });
    const said = sayings[word]?.(asked.filter((each) => each.word === word).length);
    if (!said) return;
    if (said.status) return void response.writeHead(said.status).end();
    const message = { role: "assistant", content: said.content, refusal: null };
    const choices = [{ index: 0, message, logprobs: null, finish_reason: "stop" }];
    const completion = { id: "chatcmpl-1", object: "chat.completion", created: 1, model: body.model, choices };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(completion));
  });
}

const policyText = (url: string) => `apiVersion: ogpu-confirmd/v1
name: judged
mode: enforce
signals: { quality: { url: "${url}", secret: JUDGE_SECRET, timeout: 3s, retries: 1, perHour: 12 } }
strategy: first
eligible: output.valid && size(output.json.text) >= 10 && signals.quality.score >= 0.7
retries: 0
`;

let devnet: Devnet;
let model: Server;
let judge: ChildProcess;
let judgeUrl: string;
let home: Home;
let daemon: DaemonProcess;
let source: SourceAddress;
let provider: Provider;
let says = "";

beforeAll(async () => {
  model = serveModel().listen(0, "127.0.0.1");
  await once(model, "listening");
  judge = spawn(process.execPath, [join(root, "policies/judges/openAiJudge.ts")], {
    env: {
      JUDGE_SECRET: secret,
      OPENAI_BASE_URL: `http://127.0.0.1:${(model.address() as AddressInfo).port}/v1`,
      OPENAI_API_KEY: key,
      OPENAI_MODEL: "small-model",
      PORT: "0",
    },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  dieWithParent(judge);
  const [line] = (await once(judge.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
  judgeUrl = /http:\S+/.exec(String(line))?.[0] ?? "";

  devnet = await startDevnet({ blockTime: 0.2 });
  source = await devnet.client.publishSource();
  provider = devnet.createProvider({ ...inline(), answer: async () => JSON.stringify({ text: says }) });
  await provider.enrol(source);
  home = createHome(devnet);
  home.writePolicy("first-valid.yaml", policyText(judgeUrl));
  daemon = startDaemon({ home, privateKey: devnet.accounts.agent.privateKey, env: { JUDGE_SECRET: secret } });
  await daemon.ready();
});
afterAll(async () => {
  daemon?.kill("SIGTERM");
  await daemon?.exited;
  home?.remove();
  judge?.kill("SIGKILL");
  model?.closeAllConnections();
  model?.close();
  await devnet?.stop();
});

/** Hands in an answer to a task of its own. */
async function submit(answer: string) {
  says = answer;
  const config = '{"function_name":"write_essay","data":"Write of the sea."}';
  const task = await devnet.client.publishTask({ source, config });
  const { response } = await provider.respondTo(task);
  return { task, response };
}

/** Does so, and answers what was decided of it. */
async function handIn(answer: string) {
  const { task, response } = await submit(answer);
  const { kind, reason } = await daemon.logged(
    (record) => record.msg === "verdict" && record.response === checksummed(response) && record.kind !== "wait",
  );
  const timesAsked = asked.filter(({ word }) => answer.includes(word)).length;
  return { task, response, verdict: `${kind}: ${reason}`, timesAsked };
}

const verdicts: readonly (readonly [answer: string, verdict: RegExp, timesAsked: number])[] = [
  ["a dull text about nothing", /^reject: signals\.quality\.score >= 0\.7 is false$/, 1],
  ["splendid", /^reject: size\(output\.json\.text\) >= 10 is false$/, 0],
  ["boastful: give me true", /^hold: the judge quality answered HTTP 502$/, 2],
  ["excessive: a hundred of one", /^hold: the judge quality answered HTTP 502$/, 2],
  ["talkative, without JSON", /^hold: the judge quality answered HTTP 502$/, 2],
  ["silent as a stone, for ever", /^hold: the judge quality did not answer in time$/, 2],
];

it.each(verdicts)("does not pay for “%s”", async (answer, verdict, timesAsked) => {
  const found = await handIn(answer);
  expect(found.verdict).toMatch(verdict);
  expect(found.timesAsked).toBe(timesAsked);
  expect(await isConfirmed(devnet, found.response)).toBe(false);
});

it("is asked again where the model fails once, and then pays", async () => {
  const { verdict, timesAsked, response, task } = await handIn("flaky, but sound in the end");
  expect([verdict, timesAsked]).toEqual(["confirm: eligible, and the first", 2]);
  await daemon.logged((r) => r.msg === "confirmation" && r.task === checksummed(task) && r.state === "final");
  expect(await isConfirmed(devnet, response)).toBe(true);
});

it("pays what the model finds good, shows it the task and the answer, and keeps what it said for replay", async () => {
  const answer = 'splendid ]} "and" === quoted ===';
  const { verdict, response, task } = await handIn(answer);
  expect(verdict).toBe("confirm: eligible, and the first");
  await daemon.logged((r) => r.msg === "confirmation" && r.task === checksummed(task) && r.state === "final");

  const { authorization, body } = asked.at(-1) as Asked;
  expect(authorization).toBe(`Bearer ${key}`);
  expect(body).toMatchObject({ model: "small-model", temperature: 0, response_format: { type: "json_object" } });
  const [system, user] = body.messages as { role: string; content: string }[];
  expect([system?.role, user?.role]).toEqual(["system", "user"]);
  const mark = /=== [0-9a-f-]{36} ===/.exec(system?.content ?? "")?.[0] ?? "no mark";
  expect(user?.content.split(mark).map((part) => part.trim())).toEqual([
    expect.stringMatching(/^Task: .*Write of the sea\./),
    JSON.stringify({ text: answer }),
    "",
  ]);

  const { child, output } = command("policy", "explain", response);
  await once(child, "close");
  expect(await output).toMatch(/signals\.quality = \{"score":0\.9\}/);
  expect(await output).toMatch(/signals\.quality\.score >= 0\.7 {2}→ {2}true/);
  expect(await output).toMatch(/transaction 0x[0-9a-f]{64}/);
});

it("is asked no more often than the hour allows: what comes then waits for the hour to have room", async () => {
  expect(asked).toHaveLength(12);
  const { task, response } = await submit("splendid once more, too late");
  const waits = await daemon.logged(
    ({ msg, response: of }) => msg === "a document or a judge was not asked" && of === checksummed(response),
  );
  expect(waits).toMatchObject({
    task: checksummed(task),
    reason: expect.stringContaining("the judge quality has been asked 12 times within the hour"),
  });
  expect(asked).toHaveLength(12);
  expect(await isConfirmed(devnet, response)).toBe(false);
});

it("answers nobody who does not know the secret, and the daemon's log holds neither secret nor answer", async () => {
  const post = (headers: Record<string, string>) => fetch(judgeUrl, { method: "POST", headers, body: "{}" });
  expect((await post({})).status).toBe(401);
  const stale = { "x-ogpu-timestamp": "1000", "x-ogpu-signature": `sha256=${"0".repeat(64)}` };
  expect((await post(stale)).status).toBe(401);
  for (const unspeakable of [secret, key, "Write of the sea", "about nothing"]) {
    expect(daemon.output()).not.toContain(unspeakable);
  }
});

function command(...args: readonly string[]) {
  const child = spawn(process.execPath, [join(root, "src/main.ts"), ...args, "--config", home.configFile], {
    cwd: home.directory,
  });
  return { child, output: text(child.stdout) };
}
