import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { startDevnet } from "../devnet/index.ts";
import { payFirstValid } from "../test/support/daemonProcess.ts";
import { isInContext, parseCopy, parseDockerfile, type Stage } from "./dockerfile.ts";

/**
 * Proves the Dockerfile where there is no Docker: runs its COPY, RUN, ENV, ENTRYPOINT, CMD and HEALTHCHECK as they stand
 * there, in empty folders in place of the images, with this machine's Node in place of theirs.
 */
const repository = resolve(import.meta.dirname, "..");
const read = (path: string) => readFileSync(join(repository, path), "utf8");
const stages = parseDockerfile(read("Dockerfile"));
const ignore = read(".dockerignore");
const home = mkdtempSync(join(tmpdir(), "image-"));
chmodSync(home, 0o755);
const rootOf = (stage: string) => join(home, stage);
const say = (text: string) => void process.stdout.write(`${text}\n`);
const nonroot = process.getuid?.() === 0 ? { uid: 65_532, gid: 65_532 } : {};

type Built = { readonly workdir: string; readonly env: Record<string, string> };

function build({ name, instructions }: Stage): Built {
  const root = rootOf(name);
  mkdirSync(root, { recursive: true });
  let workdir = "/";
  const env: Record<string, string> = {};
  const at = (path: string) => join(root, path.startsWith("/") ? path : join(workdir, path));
  for (const { name: what, rest } of instructions) {
    if (what === "WORKDIR") {
      workdir = rest;
      mkdirSync(at("."), { recursive: true });
    } else if (what === "ENV") {
      const [, key = "", value = ""] = /^(\w+)=(.*)$/.exec(rest) ?? [];
      env[key] = value;
    } else if (what === "COPY") {
      const { from, owner, sources, target } = parseCopy(rest);
      for (const source of sources) {
        if (from === undefined && !isInContext(ignore, source)) throw new Error(`.dockerignore keeps ${source} out`);
        const path = from === undefined ? join(repository, source) : join(rootOf(from), source);
        const end = target.endsWith("/") ? join(target, basename(source)) : target;
        cpSync(path, at(end), { recursive: true });
        if (owner !== undefined && nonroot.uid !== undefined) chownSync(at(end), nonroot.uid, nonroot.gid);
      }
    } else if (what === "RUN") {
      say(`  RUN ${rest}`);
      if (/(^|\s)\//.test(rest)) throw new Error(`an absolute path would leave the root: ${rest}`);
      execFileSync("sh", ["-c", rest], {
        cwd: at("."),
        // npm finds its registry in the home folder.
        env: { PATH: process.env.PATH, HOME: process.env.HOME },
        stdio: ["ignore", "ignore", "inherit"],
      });
    }
  }
  return { workdir, env };
}

const listing = (folder: string): string => JSON.stringify(readdirSync(folder, { recursive: true }).sort());
const words = (stage: Stage, name: string): string[] =>
  JSON.parse(/\[.*\]/.exec(stage.instructions.findLast((each) => each.name === name)?.rest ?? "[]")?.[0] ?? "[]");
const local = (command: readonly string[]) =>
  command.map((word) => (word === "/nodejs/bin/node" ? process.execPath : word));

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  await new Promise((done) => server.close(done));
  return typeof address === "object" && address ? address.port : 0;
}

async function runIt(stage: Stage, { workdir, env }: Built): Promise<void> {
  const root = rootOf(stage.name);
  const app = join(root, workdir);
  const state = join(root, env.STATE_DIRECTORY ?? "");
  const devnet = await startDevnet({ blockTime: 0.5 });
  try {
    const policies = join(home, "policies");
    mkdirSync(join(policies, "schemas"), { recursive: true });
    writeFileSync(join(policies, "schemas/sentiment.json"), "{}");
    writeFileSync(join(policies, "first.yaml"), payFirstValid);
    const port = String(await freePort());
    const environment = {
      ...env,
      STATE_DIRECTORY: state,
      OGPU_POLICIES_DIR: policies,
      OGPU_NETWORK: "devnet",
      OGPU_RPC_HTTP: devnet.rpc.http,
      OGPU_RPC_WS: devnet.rpc.ws,
      OGPU_HTTP_PORT: port,
      AGENT_PRIVATE_KEY: devnet.accounts.agent.privateKey,
    };
    const before = listing(app);
    const [node = "", ...args] = local([...words(stage, "ENTRYPOINT"), ...words(stage, "CMD")]);
    const daemon = spawn(node, args, { cwd: app, env: environment, ...nonroot, stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    daemon.stdout.on("data", (chunk) => {
      output += chunk;
    });
    const health = (probe: string) => {
      const check = local(words(stage, "HEALTHCHECK"));
      return spawnSync(check[0] ?? "", [...check.slice(1, -1), probe], { cwd: app, env: environment, ...nonroot })
        .status;
    };
    const statuses: (number | null)[] = [health("livez")];
    for (let tries = 0; tries < 60 && !(health("livez") === 0 && health("readyz") === 0); tries++)
      await new Promise((wait) => setTimeout(wait, 250));
    statuses.push(health("livez"), health("readyz"));
    const exited = once(daemon, "exit");
    daemon.kill("SIGTERM");
    const [code] = await exited;
    statuses.push(health("livez"));
    say(`  health before, while and after it runs: ${statuses.join(", ")}; exit code after SIGTERM: ${code}`);
    if (statuses.join() !== "1,0,0,1" || code !== 0) throw new Error(`it does not run as it should:\n${output}`);
    if (listing(app) !== before) throw new Error("it wrote beside its state: a read-only root would stop it");
    if (!existsSync(join(state, "journal.sqlite"))) throw new Error("there is no journal in its state");
    say("  it wrote nothing but its state");
  } finally {
    await devnet.stop();
  }
}

try {
  let built: Built | undefined;
  for (const stage of stages) {
    say(`stage ${stage.name}`);
    built = build(stage);
  }
  const final = stages.at(-1);
  if (final === undefined || built === undefined) throw new Error("the Dockerfile has no stage");
  const app = join(rootOf(final.name), built.workdir);
  say(`  ${execFileSync(process.execPath, ["dist/main.js", "--version"], { cwd: app, encoding: "utf8" }).trim()}`);
  await runIt(final, built);
  say("proven");
} finally {
  rmSync(home, { recursive: true, force: true });
}
