import { type ChildProcessByStdio, spawn } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { mainnet } from "../src/protocol/chains.ts";
import { dieWithParent } from "./dieWithParent.ts";

/** A pino logger fits. */
export type DevnetLogger = { debug(fields: object, message: string): void };

export type AnvilOptions = {
  /** @default 1071, the mainnet's */
  readonly chainId?: number;
  /** Seconds between blocks, fractions allowed; without it every transaction is mined at once. */
  readonly blockTime?: number;
  /** @default 0: one that the operating system finds free */
  readonly port?: number;
  /** Further arguments for anvil, e.g. `["--slots-in-an-epoch", "1"]`. */
  readonly extraArgs?: readonly string[];
  /** Gets every line that anvil prints, at debug level. */
  readonly logger?: DevnetLogger;
  /** Milliseconds to wait for anvil to listen. @default 15000 */
  readonly startTimeout?: number;
};

export type Anvil = {
  readonly httpUrl: string;
  readonly wsUrl: string;
  readonly port: number;
  readonly pid: number;
  /** Ends anvil and resolves when the process is gone; may be called twice. */
  stop(): Promise<void>;
};

type AnvilProcess = ChildProcessByStdio<null, Readable, Readable>;

/**
 * Starts a local EVM node. It never outlives this process, see `dieWithParent`.
 *
 * @throws Error if anvil is not found, ends early (the port is taken, an argument is unknown) or does not listen in time.
 * @example
 * const anvil = await startAnvil({ blockTime: 1 });
 * // … anvil.httpUrl
 * await anvil.stop();
 */
export async function startAnvil(options: AnvilOptions = {}): Promise<Anvil> {
  const { chainId = mainnet.id, blockTime, port = 0, extraArgs = [], logger, startTimeout = 45_000 } = options;
  const interval = blockTime === undefined ? [] : ["--block-time", String(blockTime)];
  // What does not fit its memory goes to a folder, which it leaves behind when it is killed: tens of gigabytes in a while.
  const cache = mkdtempSync(join(tmpdir(), "anvil-"));
  const kept = ["--cache-path", cache];
  const args = ["--port", String(port), "--chain-id", String(chainId), ...kept, ...interval, ...extraArgs];
  const child = spawn(findAnvil(), args, { stdio: ["ignore", "pipe", "pipe"], detached: true });
  if (child.pid !== undefined) dieWithParent(child, cache);
  const gone = new Promise<void>((resolve) => child.once("close", () => resolve()));
  void gone.then(() => rmSync(cache, { recursive: true, force: true }));
  const stop = () => terminate(child, gone);
  try {
    const listening = await untilListening(child, startTimeout, logger);
    const address = `127.0.0.1:${listening}`;
    return { httpUrl: `http://${address}`, wsUrl: `ws://${address}`, port: listening, pid: child.pid ?? 0, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The `anvil` on PATH, or the one that came with the development dependencies. */
function findAnvil(): string {
  const bundled = new URL("../node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil", import.meta.url);
  const onPath = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, "anvil"));
  const found = [...onPath, fileURLToPath(bundled)].find(isExecutable);
  if (!found) throw new Error("anvil was not found: install Foundry, or run npm install with optional dependencies");
  return found;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Anvil prints its port once it accepts connections. Its output is read to the end, so that it never blocks on a full pipe. */
function untilListening(child: AnvilProcess, timeout: number, logger?: DevnetLogger): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const complaints: string[] = [];
  const timer = setTimeout(() => reject(new Error(`anvil did not listen within ${timeout} ms`)), timeout);
  createInterface({ input: child.stdout }).on("line", (line) => {
    logger?.debug({ line }, "anvil");
    const match = /^Listening on [\d.]+:(\d+)/.exec(line);
    if (match) resolve(Number(match[1]));
  });
  createInterface({ input: child.stderr }).on("line", (line) => {
    logger?.debug({ line }, "anvil");
    if (complaints.length < 10) complaints.push(line);
  });
  child.once("error", reject);
  child.once("close", (code) => reject(new Error(`anvil ended with code ${code}: ${complaints.join(" ")}`)));
  return promise.finally(() => clearTimeout(timer));
}

async function terminate(child: AnvilProcess, gone: Promise<void>): Promise<void> {
  if (child.pid === undefined) return;
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 5_000);
  await gone;
  clearTimeout(timer);
}
