import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import * as behaviours from "../../devnet/actors/behaviours.ts";
import { type Anvil, startAnvil } from "../../devnet/anvil.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import type { SourceAddress } from "../../src/protocol/brand.ts";
import { checksummed } from "../../src/protocol/brand.ts";
import {
  createHome,
  type DaemonProcess,
  type Home,
  payFirstValid,
  type StartOptions,
  startDaemon,
} from "../support/daemonProcess.ts";

const token = "Zq3vX9secretTOKEN8a7b6c5d4";
const password = "hunter2-p4ssword";
const config = 78;
const temporary = 75;

let devnet: Devnet;
let other: Anvil;
let fronts: Record<"network" | "other", Awaited<ReturnType<typeof startFront>>>;
let home: Home;
let daemons: DaemonProcess[] = [];

beforeAll(async () => {
  [devnet, other] = await Promise.all([startDevnet(), startAnvil({ chainId: 5 })]);
  fronts = { network: await startFront(devnet.rpc.http), other: await startFront(other.httpUrl) };
});
afterAll(async () => {
  for (const { server } of Object.values(fronts)) server.close().closeAllConnections();
  await Promise.all([devnet.stop(), other.stop()]);
});
afterEach(async () => {
  for (const daemon of daemons) daemon.kill("SIGKILL");
  await Promise.all(daemons.map(({ exited }) => exited));
  daemons = [];
  chmodSync(home.directory, 0o700);
  home.remove();
});

/** Stands before a node and takes requests at any path: providers put their tokens there. */
const startFront = async (node: string): Promise<{ readonly url: string; readonly server: Server }> => {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const headers = { "content-type": "application/json" };
    const answer = await fetch(node, { method: "POST", headers, body: Buffer.concat(chunks) });
    response.writeHead(answer.status, headers).end(await answer.text());
  });
  return { url: `http://127.0.0.1:${await listen(server)}`, server };
};

/** The same endpoint with credentials in its user part, its path and its query. */
const secret = (url: string): string => `${url.replace("://", `://user:${password}@`)}/v3/${token}?apikey=${token}`;
const settle = (overrides: Parameters<typeof createHome>[1] = {}): Home => {
  home = createHome(devnet, { rpc: { http: secret(fronts.network.url), ws: "" }, ...overrides });
  return home;
};
const start = (options: Partial<StartOptions> = {}): DaemonProcess => {
  const daemon = startDaemon({ home, privateKey: devnet.accounts.agent.privateKey, ...options });
  daemons.push(daemon);
  return daemon;
};
const expectNoSecret = (output: string) => {
  for (const each of [token, password, devnet.accounts.agent.privateKey.slice(2), btoa(`user:${password}`)]) {
    expect(output.toLowerCase()).not.toContain(each.toLowerCase());
  }
};
/** Ends by itself with this code and message, and leaves nothing behind. */
const expectRefusal = async (daemon: DaemonProcess, code: number, ...messages: readonly RegExp[]) => {
  expect([await daemon.exited, daemon.output()]).toEqual([code, expect.anything()]);
  for (const message of messages) expect(daemon.output()).toMatch(message);
  expectNoSecret(daemon.output());
};
const expectNothingWritten = () => expect(readdirSync(home.directory).sort()).toEqual(["config.yaml", "policies"]);

describe("the daemon refuses to start", () => {
  it("without a key", async () => {
    settle();
    await expectRefusal(
      start({ privateKey: undefined }),
      config,
      /there is no key to sign with/,
      /set AGENT_PRIVATE_KEY/,
    );
    expectNothingWritten();
  });

  it.each([
    ["too short", (key: string) => key.slice(0, -2)],
    ["followed by something else", (key: string) => `${key} # agent`],
    ["written twice", (key: string) => key + key.slice(2)],
  ])("with a key that is %s, and does not show it", async (_, spoil) => {
    settle();
    await expectRefusal(
      start({ privateKey: spoil(devnet.accounts.agent.privateKey) }),
      config,
      /AGENT_PRIVATE_KEY is malformed/,
    );
    expectNothingWritten();
  });

  it("at an endpoint of another chain", async () => {
    settle({ rpc: { http: secret(fronts.other.url), ws: "" } });
    await expectRefusal(start(), config, /serves chain 5, not chain 1071/, /set rpc\.http/);
    expectNothingWritten();
  });

  it("on a chain without the network's contracts", async () => {
    const empty = await startAnvil();
    const front = await startFront(empty.httpUrl);
    settle({ rpc: { http: secret(front.url), ws: "" } });
    await expectRefusal(start(), config, /there is no Nexus contract at 0x2b0cC6058313801D5feb184a539e3a0C5A87a6a1/);
    expectNothingWritten();
    front.server.close().closeAllConnections();
    await empty.stop();
  });

  it("while the endpoint is down, and tells its supervisor to try again", async () => {
    settle({ rpc: { http: secret("http://127.0.0.1:1"), ws: "" } });
    await expectRefusal(start(), temporary, /endpoint 127\.0\.0\.1:1 did not answer/);
    expectNothingWritten();
  });

  it.each<[string, number, string, RegExp, number]>([
    ["answers with a page", 200, "<html>login</html>", /its answer is not JSON/, temporary],
    [
      "refuses the credential and repeats it",
      401,
      `{"id":1,"error":{"code":-32000,"message":"key ${token} is unknown"}}`,
      /key \S* is unknown/,
      temporary,
    ],
    ["has too much to do", 429, "slow down", /HTTP 429/, temporary],
  ])("when the endpoint %s", async (_, status, body, message, code) => {
    const server = createServer((_request, response) => response.writeHead(status).end(body));
    const port = await listen(server);
    settle({ rpc: { http: secret(`http://127.0.0.1:${port}`), ws: "" } });
    await expectRefusal(start(), code, message);
    await expectRefusal(start({ command: "check" }), code, message);
    expectNothingWritten();
    server.close();
  });

  it("on a policy that is malformed, and says where", async () => {
    settle();
    home.writePolicy(
      "first-valid.yaml",
      "apiVersion: ogpu-confirmd/v1\nname: broken\nmode: enforce\nstrategy: frist\n",
    );
    await expectRefusal(start(), config, /first-valid\.yaml:4:11: /, /nothing was loaded/);
    expectNothingWritten();
  });

  it("on a policy whose expression does not hold, and points into it", async () => {
    settle();
    home.writePolicy(
      "typo.yaml",
      "apiVersion: ogpu-confirmd/v1\nname: typo\nmode: shadow\nstrategy: first\neligible: respnse.payment > 0\n",
    );
    await expectRefusal(start(), config, /typo\.yaml:5:\d+: .*respnse/);
    expectNothingWritten();
  });

  it("on a folder without policies", async () => {
    settle({ policies: { dir: "nowhere" } });
    await expectRefusal(start(), config, /nowhere:1:1: the policies folder cannot be read/);
    expectNothingWritten();
  });

  it("on several wrong keys of the configuration, and names all of them at once", async () => {
    settle({
      sink: { maxPayment: 5, maxInflight: 3 },
      chain: { finality: -1 },
      rpc: { http: `ftp://user:${password}@example.org/${token}`, ws: "" },
      sweep: { cron: "every now and then" },
    });
    const wrong = [
      /sink\.maxPayment .*in quotes with its unit/,
      /maxInflight/,
      /chain\.finality/,
      /rpc\.http/,
      /sweep\.cron/,
    ];
    await expectRefusal(start(), config, /the configuration has 5 problems/, ...wrong);
    expectNothingWritten();
  });

  it("on a configuration file that is not there", async () => {
    settle();
    const daemon = start({ args: ["--config", join(home.directory, "absent.yaml")] });
    await expectRefusal(daemon, config, /absent\.yaml.*cannot be read \(ENOENT\)/);
    expectNothingWritten();
  });

  it("where the journal's place is a file", async () => {
    settle();
    writeFileSync(join(home.directory, "data"), "mine");
    await expectRefusal(
      start(),
      config,
      /the journal .*journal\.sqlite cannot be opened/,
      /make the directory writable/,
    );
    expect(readdirSync(home.directory).sort()).toEqual(["config.yaml", "data", "policies"]);
  });

  it.skipIf(process.getuid?.() === 0)("where it may not write its journal", async () => {
    settle();
    chmodSync(home.directory, 0o500);
    await expectRefusal(start(), config, /the journal .* cannot be opened/, /make the directory writable/);
    expectNothingWritten();
  });

  it("where its journal is not a journal, and leaves that as it is", async () => {
    settle();
    mkdirSync(join(home.directory, "data"));
    writeFileSync(home.journalPath, "these are somebody's notes. ".repeat(100));
    await expectRefusal(start(), config, /cannot be opened: file is not a database/);
    expect(readdirSync(join(home.directory, "data"))).toEqual(["journal.sqlite"]);
  });

  it("where its port is in use", async () => {
    const server = createServer();
    const port = await listen(server);
    settle({ http: { port } });
    await expectRefusal(start(), temporary, new RegExp(`port ${port} of 127\\.0\\.0\\.1 is in use`), /http\.port/);
    expectNothingWritten();
    server.close();
  });

  it("on the journal of another chain", async () => {
    settle();
    const first = start();
    await first.ready();
    first.kill("SIGTERM");
    expect(await first.exited).toBe(0);
    const database = new DatabaseSync(home.journalPath);
    database.exec("UPDATE meta SET value = '5' WHERE key = 'chainId'");
    database.close();
    await expectRefusal(start(), config, /belongs to chain 5, not to chain 1071/, /journal\.path/);
  });

  it("beside another daemon on the same journal, which goes on undisturbed", async () => {
    settle();
    const first = start();
    await first.ready();
    await expectRefusal(start(), temporary, /another process holds the journal/, /stop the other daemon/);
    first.kill("SIGTERM");
    expect(await first.exited).toBe(0);
  });

  it.each<[string, readonly string[], RegExp]>([
    ["an option that does not exist", ["--frobnicate"], /frobnicate/],
    ["an argument too many", ["really"], /"run" takes no arguments, but got "really"/],
    ["an option without its value", ["--rpc-http"], /rpc-http/],
    ["a value that is none", ["--sink-max-payment", "lots"], /sink\.maxPayment/],
    ["a network that does not exist", ["--network", "moonnet"], /network .*mainnet, testnet, devnet/],
  ])("on %s", async (_, args, message) => {
    settle();
    await expectRefusal(start({ args }), config, message);
    expectNothingWritten();
  });

  it("on a command that does not exist", async () => {
    settle();
    await expectRefusal(
      start({ command: "frobnicate" as "run" }),
      config,
      /there is no command "frobnicate"/,
      /--help/,
    );
    expectNothingWritten();
  });
});

describe("check", () => {
  it("is content without a key, and writes nothing", async () => {
    settle();
    const check = start({ command: "check", privateKey: undefined });
    expect(await check.exited).toBe(0);
    expect(check.output()).toMatch(/key\s+none given: `run` needs one/);
    expect(check.output()).toMatch(/warning: nothing is watched: without a key there are no sources of its own/);
    expect(check.output()).toMatch(/endpoints\s+1 of 1 on chain 1071\n.*\n\s+127\.0\.0\.1:\d+\s+anvil/);
    expectNoSecret(check.output());
    expectNothingWritten();
  });

  it("names everything that is wrong, in one go", async () => {
    settle({ rpc: { http: secret(fronts.other.url), ws: "" } });
    home.writePolicy("broken.yaml", "name: [\n");
    const check = start({ command: "check", privateKey: "0x1234" });
    await expectRefusal(
      check,
      config,
      /broken\.yaml:\d+:\d+: /,
      /AGENT_PRIVATE_KEY is malformed/,
      /serves chain 5, not chain 1071/,
    );
    expectNothingWritten();
  });
});

describe("a payload that cannot be judged", () => {
  let source: SourceAddress;
  let task: string;
  beforeAll(async () => {
    source = await devnet.client.publishSource();
    task = await devnet.gateway.putJson({ function_name: "analyze_sentiment", data: { text: "great" } });
  });

  it("is rejected, or waited for, with the reason, and never paid", async () => {
    settle();
    home.writePolicy("first-valid.yaml", payFirstValid.replace("timeout: 10s", "timeout: 2s"));
    const daemon = start();
    await daemon.ready();
    const kinds = [
      [behaviours.notJson(), /not JSON/],
      [behaviours.hugePayload(), /65536|64 KiB|large|more than/i],
      [behaviours.slowPayload(), /2000 ms|2s|time|within/i],
    ] as const;
    for (const [behaviour, reason] of kinds) {
      const provider = devnet.createProvider(behaviour);
      await provider.enrol(source);
      const published = await devnet.client.publishTask({ source, config: task });
      await provider.respondTo(published);
      const verdict = await daemon.logged((each) => each.msg === "verdict" && each.task === checksummed(published));
      expect(verdict.kind).toMatch(/^(reject|wait|hold)$/);
      expect(verdict.reason).toMatch(reason);
    }
    expect(daemon.output()).not.toContain('"msg":"confirmation"');
    expect(existsSync(home.journalPath)).toBe(true);
    expectNoSecret(daemon.output());
  });
});

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}
