import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import type { Devnet } from "../../devnet/index.ts";

const main = join(import.meta.dirname, "../../src/main.ts");

/** The program as the package has it, with the flags that its first line gives Node. */
export function builtProgram(): readonly string[] {
  const file = join(import.meta.dirname, "../../dist/main.js");
  const [firstLine = ""] = readFileSync(file, "utf8").split("\n", 1);
  return [...firstLine.split(/\s+/).filter((word) => word.startsWith("--")), file];
}

export type LogRecord = { readonly level: string; readonly msg: string; readonly [field: string]: unknown };

/** A place for one daemon: its configuration, its policies and its journal. */
export type Home = {
  readonly directory: string;
  readonly configFile: string;
  readonly journalPath: string;
  readonly writePolicy: (name: string, text: string) => void;
  readonly remove: () => void;
};

export const payFirstValid = `
apiVersion: ogpu-confirmd/v1
name: first-valid
mode: enforce
output: { schema: schemas/sentiment.json, maxBytes: 64KiB, timeout: 10s }
strategy: first
eligible: output.valid && response.payment <= task.payment.percent(90)
retries: 1
`;

const schema = {
  type: "object",
  required: ["label", "confidence"],
  properties: { label: { enum: ["positive", "negative", "neutral"] }, confidence: { type: "number" } },
};

type Overrides = Record<string, Record<string, unknown>>;

/** @param overrides Keys of the configuration, laid over what the devnet needs. */
export function createHome(devnet: Pick<Devnet, "rpc" | "gateway">, overrides: Overrides = {}): Home {
  const directory = mkdtempSync(join(tmpdir(), "confirmd-"));
  const policies = join(directory, "policies");
  mkdirSync(join(policies, "schemas"), { recursive: true });
  writeFileSync(join(policies, "schemas", "sentiment.json"), JSON.stringify(schema));
  const journalPath = join(directory, "data", "journal.sqlite");
  const hosts = [devnet.gateway.url, devnet.gateway.deadUrl].map((url) => new URL(url).host);
  const config: Overrides = {
    rpc: { ...devnet.rpc, pollInterval: "100ms" },
    policies: { dir: policies },
    journal: { path: journalPath },
    payload: { gateways: [devnet.gateway.url], allowHosts: hosts },
    http: { port: 0 },
    log: { level: "debug", format: "json" },
  };
  for (const [group, keys] of Object.entries(overrides)) config[group] = { ...config[group], ...keys };
  const configFile = join(directory, "config.yaml");
  writeFileSync(configFile, stringify({ network: "devnet", ...config }));
  const home: Home = {
    directory,
    configFile,
    journalPath,
    writePolicy: (name, text) => writeFileSync(join(policies, name), text),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
  home.writePolicy("first-valid.yaml", payFirstValid);
  return home;
}

/** The daemon as its own process, as a supervisor would start it. */
export type DaemonProcess = {
  readonly pid: number;
  /** Resolves with the first record that fits, past ones included; rejects when the process ends before. */
  readonly logged: (fits: (record: LogRecord) => boolean) => Promise<LogRecord>;
  readonly ready: () => Promise<LogRecord>;
  /** Everything it wrote, on both streams. */
  readonly output: () => string;
  readonly kill: (signal: NodeJS.Signals) => void;
  /** Its exit code; `null` where a signal ended it. */
  readonly exited: Promise<number | null>;
};

export type StartOptions = {
  readonly home: Home;
  readonly privateKey?: string | undefined;
  /** What Node is given to run. @default `src/main.ts` */
  readonly program?: readonly string[];
  readonly command?: "run" | "check" | "confirm";
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
};

export function startDaemon(options: StartOptions): DaemonProcess {
  const { home, privateKey, program = [main], command = "run", args = [], env = {} } = options;
  const child: ChildProcess = spawn(process.execPath, [...program, command, "--config", home.configFile, ...args], {
    cwd: home.directory,
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      NODE_ENV: "production",
      ...(privateKey && { AGENT_PRIVATE_KEY: privateKey }),
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const killWithParent = () => child.kill("SIGKILL");
  process.once("exit", killWithParent);
  let output = "";
  let pending = "";
  const records: LogRecord[] = [];
  const listeners = new Set<() => void>();
  child.stdout?.on("data", (chunk: Buffer) => {
    output += chunk;
    const lines = (pending + chunk).split("\n");
    pending = lines.pop() ?? "";
    for (const line of lines) if (line.startsWith("{")) records.push(JSON.parse(line));
    for (const listener of listeners) listener();
  });
  child.stderr?.on("data", (chunk: Buffer) => {
    output += chunk;
  });
  const exited = new Promise<number | null>((resolve) => {
    child.once("close", (code) => {
      process.off("exit", killWithParent);
      resolve(code);
    });
  });
  const logged: DaemonProcess["logged"] = (fits) =>
    new Promise((resolve, reject) => {
      const look = () => {
        const found = records.find(fits);
        if (!found) return;
        listeners.delete(look);
        resolve(found);
      };
      listeners.add(look);
      look();
      void exited.then((code) => reject(new Error(`the daemon ended (${code}) before it logged that:\n${output}`)));
    });
  return {
    pid: child.pid ?? 0,
    logged,
    ready: () => logged(({ msg }) => msg.startsWith("watching")),
    output: () => output,
    kill: (signal) => void child.kill(signal),
    exited,
  };
}
