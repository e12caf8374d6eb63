import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import * as behaviours from "../../devnet/actors/behaviours.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { setBalance } from "../../devnet/network.ts";
import { checksummed, type SourceAddress, type TaskAddress } from "../../src/protocol/brand.ts";

const root = join(import.meta.dirname, "../..");
const guide = readFileSync(join(root, "docs/quick-start.md"), "utf8");
/** The blocks of a step, as somebody copies them. */
const step = (number: number, language = "sh"): readonly string[] => {
  const text = guide.split(`\n## ${number}. `)[1]?.split("\n## ")[0] ?? "";
  return [...text.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, "g"))].map(([, block = ""]) => block);
};

let devnet: Devnet;
let source: SourceAddress;
let home: string;
let daemon: ChildProcess | undefined;
beforeAll(async () => {
  devnet = await startDevnet({ blockTime: 0.2 });
  source = await devnet.client.publishSource();
  home = mkdtempSync(join(tmpdir(), "quick-start-"));
  mkdirSync(join(home, "bin"));
  const program = `exec '${process.execPath}' '${join(root, "src/main.ts")}' "$@"`;
  writeFileSync(join(home, "bin/ogpu-confirmd"), `#!/bin/sh\n${program}\n`, { mode: 0o755 });
  writeFileSync(join(home, "bin/npm"), "#!/bin/sh\n", { mode: 0o755 });
});
afterAll(async () => {
  daemon?.kill("SIGKILL");
  await devnet.stop();
  rmSync(home, { recursive: true });
});

/** The devnet in mainnet's place: what the environment says goes before the file. */
const environment = () => ({
  PATH: `${join(home, "bin")}:${process.env.PATH}`,
  NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
  USER: "ada",
  OGPU_NETWORK: "devnet",
  OGPU_RPC_HTTP: devnet.rpc.http,
  OGPU_RPC_WS: devnet.rpc.ws,
  OGPU_RPC_POLL_INTERVAL: "100ms",
  OGPU_PAYLOAD_GATEWAYS: devnet.gateway.url,
  OGPU_PAYLOAD_ALLOW_HOSTS: new URL(devnet.gateway.url).host,
  OGPU_HTTP_PORT: "0",
});
const onDevnet = (text: string) => text.replaceAll("--network mainnet", "--network devnet");
const bash = async (text: string, env = {}): Promise<string> => {
  const options = { cwd: home, env: { ...environment(), ...env } };
  return (await promisify(execFile)("bash", ["-euc", onDevnet(text)], options)).stdout;
};

it("leads from nothing to verdicts on the client's own tasks, step by step as it is written", async () => {
  const [make = "", authorise = ""] = step(2);
  const checked: string = await bash(make).catch((error) => error.stdout);
  // There are none yet, and the guide says so.
  expect(checked.match(/^FAILED .*$/gm)).toEqual(["FAILED policies"]);
  const [agent] = /0x[0-9a-fA-F]{40}/.exec(checked) ?? [];
  expect(agent).toBeDefined();

  // Its first line is the client's key, which the environment has; nobody is there to say yes.
  const commands = authorise.slice(authorise.indexOf("\n")).replaceAll("AGENT", agent ?? "");
  const yes = commands
    .replace(/(agent set [^#\n]*)/, "$1--yes ")
    .replaceAll("CLIENT ", `${devnet.accounts.client.address} `);
  await bash(yes, { CLIENT_PRIVATE_KEY: devnet.accounts.client.privateKey });
  await setBalance(devnet.network, agent as never, 10n ** 18n);

  const [write = "", check = ""] = step(3);
  await bash(write);
  const policy = join(home, "policies/mine.yaml");
  const text = readFileSync(policy, "utf8");
  expect(guide).toContain("`my_function` stands there");
  writeFileSync(policy, text.replace("my_function", "sentiment"));
  await bash(check);

  const [config = ""] = step(4, "yaml");
  // "Or leave it out".
  writeFileSync(join(home, "config.yaml"), config.replace(/^watch:\n {2}sources:.*\n/m, ""));
  const [checkAll = "", run = ""] = step(4)[0]?.split("\n") ?? [];
  await bash(checkAll);
  daemon = spawn("bash", ["-euc", run], { cwd: home, env: environment(), stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  for (const stream of [daemon.stdout, daemon.stderr]) stream?.on("data", (chunk) => (log += chunk));
  const ended = once(daemon, "close");

  const provider = devnet.createProvider(behaviours.honest());
  await provider.enrol(source);
  const input = await devnet.gateway.putJson({ function_name: "sentiment", data: { text: "great" } });
  const task: TaskAddress = await devnet.client.publishTask({ source, config: input });
  await provider.respondTo(task);
  const verdicts = () =>
    log.split("\n").filter((line) => line.includes('"msg":"verdict"') && line.includes(checksummed(task)));
  await expect.poll(verdicts, { timeout: 60_000 }).not.toEqual([]);
  daemon.kill("SIGTERM");
  await ended;
  expect(await devnet.publicClient.getTransactionCount({ address: agent as never })).toBe(0);
}, 180_000);
