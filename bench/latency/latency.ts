import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { encodeFunctionData, getContractAddress } from "viem";
import * as behaviours from "../../devnet/actors/behaviours.ts";
import type { Provider } from "../../devnet/actors/provider.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { callsFrom } from "../../src/chain/callsFrom.ts";
import { tryOf } from "../../src/chain/previewsAtOnce.ts";
import { readGas, targetOf } from "../../src/chain/readTogether.ts";
import { blockRead, snapshotReads } from "../../src/chain/snapshot.ts";
import { controllerAbi } from "../../src/protocol/abi.ts";
import {
  type AccountAddress,
  type Hex,
  type ResponseAddress,
  type SourceAddress,
  type TaskAddress,
  toAddress,
} from "../../src/protocol/brand.ts";
import { createHome, type Home, startDaemon } from "../../test/support/daemonProcess.ts";
import { atMost, type Benchmark } from "../harness/benchmark.ts";
import { startChild } from "../harness/child.ts";
import { pinTo } from "../harness/pinTo.ts";
import { alternate, median } from "../harness/rounds.ts";
import { breakDown, type Sample } from "./breakDown.ts";
import { judgeFloor, type RequiredSteps } from "./floor.ts";
import { openStopwatchProxy, type StopwatchProxy } from "./stopwatchProxy.ts";

/** Of each turn, after those that a cold program is given to warm up. */
const counted = 40;
const warmUp = 20;
const perTurn = counted + warmUp;
const price = 10n ** 17n;
/** Gas units of a confirmation: enough. */
const gas = 400_000n;
/** The goal: at most so many times the limit. */
const timesTheLimit = 3;
/** Between two confirmations: a contender that does more than it must at a new block may do it before the next response. */
const pauseMs = 150;
const file = (name: string) => join(import.meta.dirname, name);

type Contender = "ours" | "peer" | "limit" | "floor";
type Stage = {
  readonly devnet: Devnet;
  readonly provider: Provider;
  readonly source: SourceAddress;
  readonly proxy: StopwatchProxy;
  readonly tasks: TaskAddress[];
  readonly home: Home;
  readonly directory: string;
  readonly floorSteps: RequiredSteps[];
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
      { ...devnet, rpc: { http: proxy.ws, ws: proxy.ws } },
      { log: { level: "info", format: "json" }, signer: { engine: "native" } },
    );
    try {
      const turns = 4 * (rounds + 1) + 1;
      log(`publishing ${turns * perTurn} tasks …`);
      const published = await publish(devnet, turns * perTurn);
      const stage: Stage = { devnet, ...published, proxy, home, directory, floorSteps: [] };
      const all: Record<Contender, number[][]> = { ours: [], peer: [], limit: [], floor: [] };
      const turn = (name: Contender) => async () => {
        const figures = await contenders[name](stage);
        all[name].push(figures);
        return median(figures);
      };
      const { medians } = await alternate(rounds, () => undefined, {
        ours: turn("ours"),
        peer: turn("peer"),
        limit: turn("limit"),
        floor: turn("floor"),
      });
      const steps = await measureSteps(stage);
      for (const { step, ms } of steps) log(`  ${step.padEnd(40)} ${ms.toFixed(2)} ms`);
      const floor = judgeFloor(medians.floor, medians.limit, timesTheLimit);
      log(`  ${floor.says}`);
      const ofFloor = (step: keyof RequiredSteps) => median(stage.floorSteps.map((each) => each[step]));
      const floorSteps = { read: ofFloor("read"), disk: ofFloor("disk"), send: ofFloor("send") };
      for (const [step, ms] of Object.entries(floorSteps)) log(`    ${step.padEnd(38)} ${ms.toFixed(2)} ms`);
      // The first turn of each is the uncounted round.
      const p99 = (name: Contender) => quantile(all[name].slice(1).flat(), 0.99);
      return {
        rows: [
          { label: "p50", unit: "ms", ours: medians.ours, peer: medians.peer, limit: medians.limit },
          { label: "p99", unit: "ms", ours: p99("ours"), peer: p99("peer"), limit: p99("limit") },
        ],
        goals: [
          atMost("p50 over the peer's", 1, medians.ours / medians.peer),
          atMost(
            `p50 over the limit${floor.reachable ? "" : " (out of reach here: see the required steps)"}`,
            timesTheLimit,
            medians.ours / medians.limit,
          ),
        ],
        detail: {
          ours: "the daemon's process, which asks over a WebSocket, too: snapshot, policy, verdict, state again and simulation, native signature in a thread, journal with fsync, send",
          peer: "viem over a WebSocket: watchContractEvent, then writeContract, which asks for nonce, fees and gas",
          limit: "a socket message in, a transaction that was signed before out",
          floor: {
            what: "the limit, and between its two ends one request for the task's state and the simulation, and one fdatasync; another one, for the event, beside the request",
            ms: medians.floor,
            steps: floorSteps,
            ...floor,
          },
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
  return { provider, source, tasks };
}

const contenders: Readonly<Record<Contender, (stage: Stage) => Promise<number[]>>> = {
  ours: async (stage) => {
    beginAnew(stage.home);
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
    writeFileSync(path, JSON.stringify((await preSign(stage.devnet)).map(({ raw }) => raw)));
    return playWith(stage, "limit.ts", { ws: stage.proxy.ws, file: path });
  },
  floor: async (stage) => {
    const path = join(stage.directory, "steps.json");
    const tasks = stage.tasks.toReversed();
    const signed = await preSign(stage.devnet);
    const prepared = signed.map(({ raw, response }, index) => ({
      read: readRequest(stage, tasks[index] as TaskAddress, response),
      raw,
    }));
    writeFileSync(path, JSON.stringify(prepared));
    const args = { ws: stage.proxy.ws, file: path, directory: stage.home.directory };
    return playWith(stage, "requiredSteps.ts", args, (said) => stage.floorSteps.push(said as RequiredSteps));
  },
};

/**
 * The other contenders use the same key: of nonces that its journal does not explain the daemon would wait for a later block,
 * and here there is none before the next transaction.
 */
const beginAnew = ({ journalPath }: Home): void => rmSync(dirname(journalPath), { recursive: true, force: true });

/** @param onAnswer Told of what the program says after it is ready. */
async function playWith(
  stage: Stage,
  program: string,
  args: unknown,
  onAnswer: (said: unknown) => void = () => undefined,
): Promise<number[]> {
  const child = startChild(file(program), { core: 0, args: [args] });
  try {
    await child.answer();
    const listening = (async () => {
      for await (const said of child.answers) onAnswer(said);
    })();
    listening.catch(() => undefined);
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
async function preSign({ publicClient, deployment, accounts, chainId }: Devnet) {
  const made = await publicClient.getTransactionCount({ address: deployment.nexus });
  const nonce = await publicClient.getTransactionCount({ address: accounts.agent.address });
  return Promise.all(
    Array.from({ length: perTurn }, async (_, index) => {
      const response = getContractAddress({ from: deployment.nexus, nonce: BigInt(made + index) });
      const raw = await accounts.agent.signTransaction({
        chainId,
        to: deployment.controller,
        data: encodeFunctionData({ abi: controllerAbi, functionName: "confirmResponse", args: [response] }),
        nonce: nonce + index,
        gas,
        maxFeePerGas: 100n * 10n ** 9n,
        maxPriorityFeePerGas: 10n ** 9n,
      });
      return { response: toAddress<ResponseAddress>(response), raw };
    }),
  );
}

/** What the daemon asks of a response: the block, the task's state, and its confirmation tried. */
function readRequest({ devnet, source }: Stage, task: TaskAddress, response: ResponseAddress): string {
  const { deployment, accounts } = devnet;
  const latest = "latest" as Hex;
  const views = snapshotReads(task, source, [response], 0n).reads.filter(({ call }) => call.method === "eth_call");
  const reads = views.map(({ call }) => ({ ...targetOf(call), gas: readGas }));
  const tried = tryOf(deployment.controller, { response, gas });
  const from = toAddress<AccountAddress>(accounts.agent.address);
  const calls = [callsFrom(from, [...reads, tried], latest), blockRead(latest).call];
  return JSON.stringify(calls.map((call, index) => ({ jsonrpc: "2.0", id: 1_000_000 + index, ...call })));
}

/** One more turn of ours, with a stopwatch at each port. */
async function measureSteps(stage: Stage) {
  const { privateKey } = stage.devnet.accounts.agent;
  const samples: Sample[] = [];
  beginAnew(stage.home);
  await playWith(stage, "steps.ts", { configFile: stage.home.configFile, privateKey }, (said) => {
    if (typeof said === "object" && said && "spans" in said) samples.push(said as Sample);
  });
  return breakDown(samples.slice(warmUp));
}

function quantile(values: readonly number[], at: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * at))] ?? Number.NaN;
}
