import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { encodeFunctionData, getContractAddress, type Hex } from "viem";
import * as behaviours from "../../devnet/actors/behaviours.ts";
import type { Provider } from "../../devnet/actors/provider.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { controllerAbi } from "../../src/protocol/abi.ts";
import type { TaskAddress } from "../../src/protocol/brand.ts";
import { createHome, type Home, startDaemon } from "../../test/support/daemonProcess.ts";
import { atMost, type Benchmark } from "../harness/benchmark.ts";
import { type Child, startChild } from "../harness/child.ts";
import { pinTo } from "../harness/pinTo.ts";
import { alternate, median } from "../harness/rounds.ts";
import { breakDown, type Sample } from "./breakDown.ts";
import { openStopwatchProxy, type StopwatchProxy } from "./stopwatchProxy.ts";

/** Of each turn, after those that a cold program is given to warm up. */
const counted = 40;
const warmUp = 20;
const perTurn = counted + warmUp;
const price = 10n ** 17n;
/** Between two confirmations: a contender that does more than it must at a new block may do it before the next response. */
const pauseMs = 150;
const file = (name: string) => join(import.meta.dirname, name);

type Contender = "ours" | "peer" | "limit";
type Stage = {
  readonly devnet: Devnet;
  readonly provider: Provider;
  readonly proxy: StopwatchProxy;
  readonly tasks: TaskAddress[];
  readonly home: Home;
  readonly directory: string;
};

/** From a response's event on the socket to the node's acceptance of its confirmation. */
export const latency: Benchmark = {
  name: "latency",
  what: "from a response's event to the node's acceptance of its confirmation, ms",
  run: async ({ rounds, log }) => {
    const devnet = await startDevnet();
    const directory = mkdtempSync(join(tmpdir(), "confirmd-bench-"));
    const proxy = await openStopwatchProxy(Number(new URL(devnet.rpc.http).port));
    const home = createHome(
      { ...devnet, rpc: { http: proxy.http, ws: proxy.ws } },
      { log: { level: "info", format: "json" }, signer: { engine: "native" } },
    );
    try {
      const turns = 3 * (rounds + 1) + 1;
      log(`publishing ${turns * perTurn} tasks …`);
      const { provider, tasks } = await publish(devnet, turns * perTurn);
      const stage: Stage = { devnet, provider, proxy, tasks, home, directory };
      const all: Record<Contender, number[][]> = { ours: [], peer: [], limit: [] };
      const turn = (name: Contender) => async () => {
        const figures = await contenders[name](stage);
        all[name].push(figures);
        return median(figures);
      };
      const { medians } = await alternate(rounds, () => undefined, {
        ours: turn("ours"),
        peer: turn("peer"),
        limit: turn("limit"),
      });
      const steps = await measureSteps(stage);
      for (const { step, ms } of steps) log(`  ${step.padEnd(40)} ${ms.toFixed(2)} ms`);
      // The first turn of each is the uncounted round.
      const p99 = (name: Contender) => quantile(all[name].slice(1).flat(), 0.99);
      return {
        rows: [
          { label: "p50", unit: "ms", ours: medians.ours, peer: medians.peer, limit: medians.limit },
          { label: "p99", unit: "ms", ours: p99("ours"), peer: p99("peer"), limit: p99("limit") },
        ],
        goals: [
          atMost("p50 over the peer's", 1, medians.ours / medians.peer),
          atMost("p50 over the limit", 3, medians.ours / medians.limit),
        ],
        detail: {
          ours: "the daemon's process: snapshot, policy, verdict, state again and simulation, native signature in a thread, journal with fsync, send",
          peer: "viem over a WebSocket: watchContractEvent, then writeContract, which asks for nonce, fees and gas",
          limit: "a socket message in, a transaction that was signed before out",
          clock:
            "a proxy's, between the node and every contender: the event on its way in, the node's answer on its way back",
          node: "anvil, a block for each transaction",
          countedPerTurn: counted,
          warmUp,
          steps,
          all,
        },
      };
    } finally {
      await proxy.close();
      await devnet.stop();
      home.remove();
      rmSync(directory, { recursive: true, force: true });
    }
  },
};

async function publish(devnet: Devnet, count: number) {
  const source = await devnet.client.publishSource();
  const config = '{"function_name":"analyze_sentiment","data":{"text":"great"}}';
  const provider = devnet.createProvider(behaviours.honest());
  await provider.enrol(source);
  const tasks: TaskAddress[] = [];
  while (tasks.length < count) {
    const some = Array.from({ length: Math.min(200, count - tasks.length) });
    const order = { source, config, lifetime: 80_000, payment: 2n * price };
    const published = await Promise.all(some.map(() => devnet.client.publishTask(order)));
    await Promise.all(published.map((task) => provider.attempt(task, price)));
    tasks.push(...published);
  }
  return { provider, tasks };
}

const contenders: Readonly<Record<Contender, (stage: Stage) => Promise<number[]>>> = {
  ours: async (stage) => {
    const daemon = startDaemon({ home: stage.home, privateKey: stage.devnet.accounts.agent.privateKey });
    pinTo(0, daemon.pid);
    try {
      await daemon.ready();
      await daemon.logged(({ msg }) => msg === "the WebSocket is up");
      return await playTurn(stage);
    } finally {
      daemon.kill("SIGTERM");
      await daemon.exited;
    }
  },
  peer: async (stage) => {
    const { chainId, accounts } = stage.devnet;
    return playWith(stage, "peer.ts", { ws: stage.proxy.ws, chainId, privateKey: accounts.agent.privateKey });
  },
  limit: async (stage) => {
    const path = join(stage.directory, "raws.json");
    writeFileSync(path, JSON.stringify(await preSign(stage.devnet)));
    return playWith(stage, "limit.ts", { ws: stage.proxy.ws, file: path });
  },
};

async function playWith(stage: Stage, program: string, args: unknown): Promise<number[]> {
  const child = startChild(file(program), { core: 0, args: [args] });
  try {
    await child.answer();
    return await playTurn(stage);
  } finally {
    await child.stop();
  }
}

/** Has the provider answer one task after the other; each time the contender confirms. */
async function playTurn({ provider, proxy, tasks }: Stage): Promise<number[]> {
  const figures: number[] = [];
  for (let index = 0; index < perTurn; index++) {
    const task = tasks.pop();
    if (task === undefined) throw new Error("there are no tasks left");
    const found = proxy.next();
    await provider.submit(task, '{"label":"positive","confidence":0.9}', price);
    const ms = await Promise.race([found, late()]);
    if (index >= warmUp) figures.push(ms);
    await sleep(pauseMs);
  }
  return figures;
}

const late = async (): Promise<never> => {
  await sleep(20_000, undefined, { ref: false });
  throw new Error("nothing was confirmed within 20 s");
};

/** Confirmations of the responses that come next: their addresses follow from how many contracts Nexus has made. */
async function preSign({ publicClient, deployment, accounts, chainId }: Devnet): Promise<readonly Hex[]> {
  const made = await publicClient.getTransactionCount({ address: deployment.nexus });
  const nonce = await publicClient.getTransactionCount({ address: accounts.agent.address });
  return Promise.all(
    Array.from({ length: perTurn }, (_, index) => {
      const response = getContractAddress({ from: deployment.nexus, nonce: BigInt(made + index) });
      return accounts.agent.signTransaction({
        chainId,
        to: deployment.controller,
        data: encodeFunctionData({ abi: controllerAbi, functionName: "confirmResponse", args: [response] }),
        nonce: nonce + index,
        gas: 400_000n,
        maxFeePerGas: 100n * 10n ** 9n,
        maxPriorityFeePerGas: 10n ** 9n,
      });
    }),
  );
}

/** One more turn of ours, with a stopwatch at each port. */
async function measureSteps(stage: Stage) {
  const { privateKey } = stage.devnet.accounts.agent;
  const child: Child = startChild(file("steps.ts"), {
    core: 0,
    args: [{ configFile: stage.home.configFile, privateKey }],
  });
  try {
    await child.answer();
    const samples: Sample[] = [];
    const reading = (async () => {
      for await (const each of child.answers)
        if (typeof each === "object" && each && "spans" in each) samples.push(each as Sample);
    })();
    reading.catch(() => undefined);
    await playTurn(stage);
    return breakDown(samples.slice(warmUp));
  } finally {
    await child.stop();
  }
}

function quantile(values: readonly number[], at: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * at))] ?? Number.NaN;
}
