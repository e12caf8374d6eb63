import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const canPin = cpus().length > 1 && spawnSync("taskset", ["-c", "0", "true"]).status === 0;

/** How a process is kept on one core here, for the report. */
export const pinning = canPin
  ? "each process on a core of its own (taskset)"
  : "not pinned: there is no taskset, or one core";

/** What the unit and the image set: of what is free no more is kept than is soon used again. */
export const daemonEnv = {
  MALLOC_ARENA_MAX: "2",
  MALLOC_MMAP_THRESHOLD_: "65536",
  MALLOC_TRIM_THRESHOLD_: "131072",
};

/** What the daemon's first line gives Node: the daemon is measured as it runs. */
export const daemonFlags: readonly string[] = (
  readFileSync(join(import.meta.dirname, "../../src/main.ts"), "utf8").split("\n", 1)[0] ?? ""
)
  .split(/\s+/)
  .filter((word) => word.startsWith("--"));

export type Child = {
  /** Each line that it prints, parsed. Ends when it ends; throws if it fails. */
  readonly answers: AsyncGenerator<unknown, void>;
  /** The next answer. @throws Error if it ends without one. */
  readonly answer: () => Promise<unknown>;
  readonly pid: number;
  /** Ends its `untilGo`. */
  readonly go: () => void;
  readonly stop: () => Promise<void>;
};

/**
 * Starts a TypeScript file of the benchmark as a process of its own; it prints a JSON value a line. It never outlives this
 * process.
 * @param core Where it is kept, if that can be done. @default wherever the system has room
 */
export function startChild(
  file: string,
  { core, args = [], nodeArgs = [] }: { core?: number; args?: readonly unknown[]; nodeArgs?: readonly string[] },
): Child {
  const command = [process.execPath, ...daemonFlags, ...nodeArgs, file, ...args.map((each) => JSON.stringify(each))];
  const [program = "", ...rest] = canPin && core !== undefined ? ["taskset", "-c", String(core), ...command] : command;
  const child = spawn(program, rest, { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, ...daemonEnv } });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  const closed = once(child, "close").then(([code]) => {
    process.off("exit", kill);
    return code as number | null;
  });
  const answers = read(child, closed, file);
  return {
    answers,
    answer: async () => {
      const { value, done } = await answers.next();
      if (done) throw new Error(`${file} ended without an answer`);
      return value;
    },
    pid: child.pid ?? 0,
    go: () => void child.kill("SIGUSR2"),
    stop: async () => {
      kill();
      await closed;
    },
  };
}

async function* read(child: ChildProcess, closed: Promise<number | null>, file: string): AsyncGenerator<unknown, void> {
  if (child.stdout === null) return;
  for await (const line of createInterface({ input: child.stdout })) yield JSON.parse(line);
  const code = await closed;
  if (code) throw new Error(`${file} failed (${code})`);
}

/** The child's side: its arguments, and how it answers. */
export const childArgs = <T extends readonly unknown[]>(): T =>
  process.argv.slice(2).map((each) => JSON.parse(each)) as never;
export const answer = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);
/** The child's side: resolves when the parent says so. The child stays alive from then on, until it is stopped. */
export async function untilGo(): Promise<void> {
  setInterval(() => undefined, 60_000);
  await once(process, "SIGUSR2");
}
