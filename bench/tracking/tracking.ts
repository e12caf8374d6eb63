import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { taskAbi } from "../../src/protocol/abi.ts";
import { TaskStatus } from "../../src/protocol/statuses.ts";
import { builtProgram, createHome, type Home, startDaemon } from "../../test/support/daemonProcess.ts";
import { atLeast, atMost, type Benchmark } from "../harness/benchmark.ts";
import { daemonEnv, startChild } from "../harness/child.ts";
import { pinTo } from "../harness/pinTo.ts";
import { median } from "../harness/rounds.ts";
import { startTrackedNetwork, type TrackedNetwork, writeJournal } from "./network.ts";

const count = 100_000;
/** How long a daemon is watched after it is ready: by then its first sweep is under way. */
const watchedMs = 30_000;
const patienceMs = 60_000;

type Run = {
  readonly readyInSeconds: number;
  readonly residentAtReadyMiB: number;
  readonly residentPeakMiB: number;
  /** From a new task's response on the chain to its confirmation there; `undefined`: not within a minute. */
  readonly newTaskInSeconds: number | undefined;
};

/** A restart with many open tasks: how soon it is ready, what it takes, and whether a new task has to wait. */
export const tracking: Benchmark = {
  name: "tracking",
  what: `a restart with ${count} open tasks in the journal: time to ready, resident memory, a new task's delay`,
  run: async ({ rounds, log }) => {
    execFileSync("npm", ["run", "--silent", "build"], { stdio: ["ignore", "ignore", "inherit"] });
    log(`putting ${count} tasks on the chain …`);
    const network = await startTrackedNetwork(count);
    const home = createHome({ ...network.devnet, rpc: network.devnet.rpc }, { log: { level: "info", format: "json" } });
    try {
      await writeJournal(home.journalPath, network);
      const bare: { seconds: number; residentMiB: number }[] = [];
      const runs: Run[] = [];
      for (let round = 0; round < rounds; round++) {
        bare.push(await openOnly(home));
        runs.push(await restart(home, network));
        log(`round ${round + 1}: ${JSON.stringify(runs.at(-1))}`);
      }
      const ready = median(runs.map(({ readyInSeconds }) => readyInSeconds));
      const peak = Math.max(...runs.map(({ residentPeakMiB }) => residentPeakMiB));
      const delays = runs.map(({ newTaskInSeconds }) => newTaskInSeconds ?? patienceMs / 1_000);
      return {
        rows: [
          {
            label: "restart to ready",
            unit: "s",
            ours: ready,
            limit: median(bare.map(({ seconds }) => seconds)),
          },
          {
            label: "resident memory, peak",
            unit: "MiB",
            ours: peak,
            limit: median(bare.map(({ residentMiB }) => residentMiB)),
          },
          { label: "response to confirmation, first new task", unit: "s", ours: median(delays) },
        ],
        goals: [
          atMost("restart to ready, s", 5, ready),
          atMost(`resident memory, highest within ${watchedMs / 1_000} s and a new task, MiB`, 238, peak),
          atLeast("restarts that paid a new task within a minute", rounds, delays.filter((each) => each < 60).length),
        ],
        detail: {
          ours: `the daemon as it is installed (${builtProgram().slice(0, -1).join(" ")}), from spawn to /readyz (caught up with the head)`,
          limit: "a process that opens the same journal and reads the open tasks",
          peer: "none: the network's own scripts keep nothing over a restart",
          node: "anvil; all but one of the tasks are contracts that pass every question on to a published one",
          runs,
          bare,
        },
      };
    } finally {
      home.remove();
      await network.devnet.stop();
    }
  },
};

async function openOnly({ journalPath }: Home): Promise<{ seconds: number; residentMiB: number }> {
  const start = performance.now();
  const child = startChild(join(import.meta.dirname, "bare.ts"), { core: 0, args: [journalPath] });
  const { tasks, residentMiB } = (await child.answer()) as { tasks: number; residentMiB: number };
  const seconds = (performance.now() - start) / 1_000;
  if (tasks < count) throw new Error(`the journal holds ${tasks} open tasks`);
  await child.answers.next();
  return { seconds, residentMiB };
}

async function restart(home: Home, network: TrackedNetwork): Promise<Run> {
  const start = performance.now();
  const { privateKey } = network.devnet.accounts.agent;
  // As the systemd unit and the container start it.
  const daemon = startDaemon({ home, privateKey, program: builtProgram(), env: daemonEnv });
  pinTo(0, daemon.pid);
  try {
    const { http } = await daemon.ready();
    while (!(await fetch(`${http}/readyz`)).ok) await sleep(20);
    const readyInSeconds = (performance.now() - start) / 1_000;
    const residentAtReadyMiB = memoryOf(daemon.pid, "VmRSS");
    const newTaskInSeconds = await payNewTask(network);
    await sleep(Math.max(0, watchedMs - (performance.now() - start)));
    return { readyInSeconds, residentAtReadyMiB, residentPeakMiB: memoryOf(daemon.pid, "VmHWM"), newTaskInSeconds };
  } finally {
    daemon.kill("SIGKILL");
    await daemon.exited;
  }
}

async function payNewTask({ devnet, source, provider, config }: TrackedNetwork): Promise<number | undefined> {
  const task = await devnet.client.publishTask({ source, config });
  await provider.respondTo(task);
  const start = performance.now();
  while (performance.now() - start < patienceMs) {
    const status = await devnet.publicClient.readContract({ address: task, abi: taskAbi, functionName: "getStatus" });
    if (status === TaskStatus.FINALIZED) return (performance.now() - start) / 1_000;
    await sleep(20);
  }
  return undefined;
}

/** MiB, as the kernel counts them. */
function memoryOf(pid: number, field: "VmRSS" | "VmHWM"): number {
  const line = readFileSync(`/proc/${pid}/status`, "utf8").match(new RegExp(`^${field}:\\s+(\\d+) kB`, "m"));
  return Math.round((Number(line?.[1]) / 1_024) * 10) / 10;
}
