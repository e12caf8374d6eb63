import { renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { createHome, startDaemon } from "../support/daemonProcess.ts";

const main = join(import.meta.dirname, "../../src/main.ts");
const password = "Corr3ct-Horse-Battery";

let devnet: Devnet;

beforeAll(async () => {
  devnet = await startDevnet({ blockTime: 0.2 });
});
afterAll(() => devnet.stop());

/** A place whose endpoint has a password, and a program that throws it, with the key, where nobody catches it. */
function placeThatThrows(statement: string) {
  const { host } = new URL(devnet.rpc.http);
  const home = createHome(devnet, {
    rpc: { http: `http://node:${password}@${host}/`, ws: "" },
    alerts: { webhookFile: "webhook" },
    shutdown: { grace: "10s" },
  });
  onTestFinished(home.remove);
  const file = join(home.directory, "throw.mjs");
  writeFileSync(file, `const error = new Error(process.env.AGENT_PRIVATE_KEY + " ${password}");\n${statement}\n`);
  return { home, program: ["--import", file, main] };
}

/** Ends when the daemon watches: the pipe runs. */
const once = (statement: string) => `const write = process.stdout.write;
process.stdout.write = function (line, ...rest) {
  if (String(line).includes('"msg":"watching"')) setTimeout(() => { ${statement} }, 50);
  return write.call(this, line, ...rest);
};`;

async function startWebhook(directory: string): Promise<readonly string[]> {
  const taken: string[] = [];
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    taken.push(text);
    response.end();
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  writeFileSync(join(directory, "webhook"), `http://127.0.0.1:${port}/hook\n`, { mode: 0o600 });
  return taken;
}

it.each([
  ["thrown in a timer", "throw error;"],
  ["a promise's that nobody waits for", "void Promise.reject(error);"],
  ["an 'error' event without a listener", 'new (process.getBuiltinModule("node:events"))().emit("error", error);'],
])(
  "ends with a fatal record, an alert, exit code 70 and no secret at an error that is %s",
  async (_, statement) => {
    const { home, program } = placeThatThrows(once(statement));
    const alerts = await startWebhook(home.directory);
    const { privateKey } = devnet.accounts.agent;
    const daemon = startDaemon({ home, privateKey, program });
    expect(await daemon.exited).toBe(70);
    const fatal = await daemon.logged(({ level }) => level === "fatal");
    expect(fatal).toMatchObject({ msg: "an error that nobody expected", err: { message: "*** ***" } });
    await daemon.logged(({ msg, outcome }) => msg === "stopped" && outcome === "clean");
    expect(alerts.filter((each) => each.includes("the daemon stops"))).toHaveLength(1);
    const told = [daemon.output(), ...alerts].join();
    for (const secret of [privateKey.slice(2), password]) expect(told).not.toContain(secret);
  },
  30_000,
);

it("ends with an alert that says which journal is lost, and exit code 70, where its file is taken away", async () => {
  const home = createHome(devnet, { alerts: { webhookFile: "webhook" } });
  onTestFinished(home.remove);
  const alerts = await startWebhook(home.directory);
  const daemon = startDaemon({ home, privateKey: devnet.accounts.agent.privateKey });
  await daemon.ready();
  renameSync(home.journalPath, `${home.journalPath}.away`);
  expect(await daemon.exited).toBe(70);
  await daemon.logged(({ level, msg }) => level === "fatal" && msg === "the journal is lost to this daemon");
  const told = alerts.map((each) => JSON.parse(each)).filter(({ key }) => key === "broken");
  expect(told).toMatchObject([
    { severity: "critical", text: expect.stringContaining(`${home.journalPath} was removed`) },
  ]);
}, 30_000);

it("shows no key where a command meets an error that nobody expected, either", async () => {
  const { home, program } = placeThatThrows("setTimeout(() => { throw error; }, 50);");
  const { privateKey } = devnet.accounts.agent;
  writeFileSync(join(home.directory, "webhook"), "", { mode: 0o600 });
  const command = startDaemon({ home, privateKey, program, command: "check" });
  expect(await command.exited).toBe(70);
  expect(command.output()).toMatch(/^error: \*\*\* /m);
  expect(command.output()).not.toContain(privateKey.slice(2));
});
