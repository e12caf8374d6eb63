import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Behaviour } from "../../devnet/actors/behaviours.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { checksummed, type TaskAddress } from "../../src/protocol/brand.ts";
import { createHome, type Home, payFirstValid, startDaemon } from "../support/daemonProcess.ts";
import { eventsOf } from "../support/operatorServer.ts";

/** Every credential that this daemon is given, by what it is. */
const credentials = {
  "the password of an RPC endpoint": "Corr3ct-Horse-Battery",
  "a token in an RPC endpoint's query": "qt-81f3a09c77de4b2f",
  "a token in an RPC endpoint's path": "pt_Zx81kQ02mN5rT7vB",
  "a token of the WebSocket": "ws-5d0c11aa93be47f8",
  "a token in a webhook's path": "wh-T0K3N-99aa88bb77cc",
  "a token in a gateway's path": "gw-4bd1f00dcafe1234",
  "the page's token": "page-0f1e2d3c4b5a69788796a5b4c3d2e1f0",
} as const;
/** Stands in every payload and every task's config. */
const marker = "MARK-OF-A-PAYLOAD-7c1d";

const answering = (name: string, body: unknown): Behaviour => ({
  name,
  delayMs: 0,
  priceBps: 8_000,
  answer: async ({ gateway }) => (typeof body === "string" ? gateway.put(body) : gateway.putJson(body as object)),
});
const inline: Behaviour = { name: "inline", delayMs: 0, priceBps: 8_000, answer: async () => `{"label": "${marker}"` };
const casts: readonly (readonly [Behaviour, kind: "confirm" | "reject"])[] = [
  [answering("right", { label: "positive", confidence: 0.9, text: marker }), "confirm"],
  [answering("wrong shape", { [marker]: marker, label: marker }), "reject"],
  [answering("no JSON", `<html>${marker}</html>`), "reject"],
  [inline, "reject"],
];

let devnet: Devnet;
let home: Home;
/** What an outsider could have read, by where. */
const surfaces = new Map<string, string>();
let secrets: ReadonlyMap<string, string>;

beforeAll(async () => {
  devnet = await startDevnet({ blockTime: 0.2 });
  const { host } = new URL(devnet.rpc.http);
  const [password, query, path, socket, hook, gateway, token] = Object.values(credentials) as [
    ...(readonly [string, string, string, string, string, string, string]),
  ];
  const { privateKey } = devnet.accounts.agent;
  secrets = new Map<string, string>([
    ...Object.entries(credentials),
    ["the private key", privateKey.slice(2)],
    ["the password, as it is sent", Buffer.from(`node:${password}`).toString("base64")],
  ]);
  const dead = "http://127.0.0.1:1";
  home = createHome(devnet, {
    rpc: {
      http: [
        `http://node:${password}@${host}/?apikey=${query}`,
        `${dead}/v2/${path}`,
        `ws://node:${password}@${host}/?token=${socket}`,
        `ws://127.0.0.1:1/v2/${path}?token=${socket}`,
      ],
      ws: [`ws://127.0.0.1:1/?token=${socket}`, `ws://${host}/?token=${socket}`],
      cooldown: "500ms",
    },
    socket: { maxBackoff: "1s" },
    payload: { gateways: [devnet.gateway.url, `${dead}/${gateway}`] },
    alerts: { webhookFile: "webhook", after: "0ms" },
    http: { port: 0, tokenFile: "page-token" },
    log: { level: "trace", format: "json" },
  });
  // Reads payload and config, so that the recorded facts hold both.
  const reading =
    'output.valid && output.text != "" && output.json.confidence > 0.1 && task.config.function_name != "x"';
  home.writePolicy("first-valid.yaml", payFirstValid.replace("output.valid", reading));
  writeFileSync(join(home.directory, "webhook"), `${dead}/hooks/${hook}\n`, { mode: 0o600 });
  writeFileSync(join(home.directory, "page-token"), `${token}\n`, { mode: 0o600 });

  const daemon = startDaemon({ home, privateKey });
  try {
    const base = String((await daemon.ready()).http);
    const source = await devnet.client.publishSource();
    const providers = casts.map(([behaviour]) => devnet.createProvider(behaviour));
    await Promise.all(providers.map((provider) => provider.enrol(source)));
    let last: TaskAddress | undefined;
    for (const [index, [behaviour, kind]] of casts.entries()) {
      const config = await devnet.gateway.putJson({ function_name: "analyze_sentiment", data: { text: marker } });
      const task = await devnet.client.publishTask({ source, config });
      await providers[index]?.respondTo(task);
      const about = ({ msg, task: of }: { msg: string; task?: unknown }) =>
        msg === "verdict" && of === checksummed(task);
      await daemon.logged((record) => about(record) && record.kind === kind);
      surfaces.set(`GET /api/tasks of ${behaviour.name}`, await text(`${base}/api/tasks/${task}`));
      last = task;
    }
    await daemon.logged(({ msg, state }) => msg === "confirmation" && state === "final");

    const post = (path: string, bearer: string, body: string) =>
      text(`${base}${path}`, {
        method: "POST",
        headers: { authorization: `Bearer ${bearer}`, "content-type": "application/json" },
        body,
      });
    const ask = JSON.stringify({ who: "ada", why: "to see" });
    surfaces.set("a wrong token's answer", await post("/api/pause", `${token}x`, ask));
    surfaces.set("broken JSON's answer", await post("/api/pause", token, "{"));
    surfaces.set("a pause's answer", await post("/api/pause", token, ask));
    surfaces.set("a resume's answer", await post("/api/resume", token, ask));
    surfaces.set(
      "an answer to what is not held",
      await post("/api/held/999", token, ask.replace("{", '{"kind":"approve",')),
    );
    for (const path of [
      "/",
      "/main.js",
      "/livez",
      "/readyz",
      "/status",
      "/metrics",
      "/api/config",
      "/api/held",
      "/api/money",
      "/nowhere",
    ]) {
      surfaces.set(`GET ${path}`, await text(`${base}${path}`));
    }
    const stop = new AbortController();
    const seen: string[] = [];
    for await (const event of eventsOf(base, stop.signal)) {
      seen.push(JSON.stringify(event));
      if (seen.length === 4) break;
    }
    stop.abort();
    surfaces.set("the live stream", seen.join("\n"));
    expect(seen.join()).toContain(checksummed(last ?? "0x"));
  } finally {
    daemon.kill("SIGTERM");
    await daemon.exited;
  }
  surfaces.set("the log at trace level", daemon.output());

  const failing = async (name: string, options: { command?: "check"; args?: readonly string[] }) => {
    const failed = startDaemon({ home, privateKey, ...options });
    await failed.exited;
    surfaces.set(name, failed.output());
  };
  await failing("check", { command: "check" });
  await failing("a start without an endpoint", {
    args: ["--rpc-http", `${dead}/v2/${path},http://node:${password}@127.0.0.1:1/?apikey=${query}`],
  });
  await failing("a start with a wrong configuration", { args: ["--rpc-http", `htp://node:${password}@x/${path}`] });
});
afterAll(async () => {
  await devnet?.stop();
  home?.remove();
});

async function text(url: string, init?: RequestInit): Promise<string> {
  const response = await fetch(url, init);
  return `${response.status} ${JSON.stringify([...response.headers])}\n${await response.text()}`;
}

/** Where a secret is, in any case, with what stands before it. */
function found(where: string, what: string, content: string, secret: string): readonly string[] {
  const at = content.toLowerCase().indexOf(secret.toLowerCase());
  return at < 0 ? [] : [`${what} in ${where}: …${content.slice(Math.max(0, at - 120), at)}`];
}

describe("a daemon at trace level, with known secrets", () => {
  it("really was at trace level, met the failures, and showed what it judged", () => {
    const log = surfaces.get("the log at trace level") ?? "";
    for (const part of [
      '"level":"trace"',
      "an endpoint fails",
      "the WebSocket is down",
      "a change over HTTP was refused",
    ]) {
      expect(log).toContain(part);
    }
    expect(surfaces.get("GET /api/config")).toContain("***");
    expect(surfaces.get("GET /api/tasks of right")).toContain('"kind":"confirm"');
    expect(surfaces.get("a start without an endpoint")).toMatch(/"level":"fatal"/);
    expect(surfaces.size).toBeGreaterThanOrEqual(22);
  });

  it("shows none of them in its log, metrics, page, status, stream and errors", () => {
    const leaks = [...surfaces].flatMap(([where, content]) =>
      [...secrets].flatMap(([what, secret]) => found(where, what, content, secret)),
    );
    expect(leaks).toEqual([]);
  });

  it("shows no payload there either", () => {
    const leaks = [...surfaces].flatMap(([where, content]) => found(where, "a payload", content, marker));
    expect(leaks).toEqual([]);
  });

  it("keeps none of them in its journal, nor beside it", () => {
    const folder = dirname(home.journalPath);
    const names = readdirSync(folder, { recursive: true, encoding: "utf8", withFileTypes: true }).filter((each) =>
      each.isFile(),
    );
    expect(names.map(({ name }) => name)).toContain("journal.sqlite");
    const key = Buffer.from(secrets.get("the private key") ?? "", "hex");
    for (const { name, parentPath } of names) {
      const bytes = readFileSync(join(parentPath, name));
      const content = bytes.toString("latin1");
      expect([...secrets].flatMap(([what, secret]) => found(name, what, content, secret))).toEqual([]);
      expect([name, bytes.includes(key)]).toEqual([name, false]);
    }
  });
});
