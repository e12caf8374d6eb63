import { setTimeout as sleep } from "node:timers/promises";
import type { Address } from "viem";
import { responseAbi, taskAbi } from "../../src/protocol/abi.ts";
import type { TaskAddress } from "../../src/protocol/brand.ts";
import { isClosed } from "../../src/protocol/statuses.ts";
import type { Gateway } from "../gateway.ts";
import type { Network } from "../network.ts";

/** What a behaviour knows about the task at hand. */
export type Job = {
  readonly task: TaskAddress;
  /** The task's config, as published: a URL, or inline JSON. */
  readonly config: string;
  /** Wei; the most that the client pays. */
  readonly payment: bigint;
  readonly gateway: Gateway;
  /** The text to work on, read from the config; empty where there is none. */
  text(): Promise<string>;
  /** The data of the first response by somebody else; waits for one. @throws Error if the task closes without any. */
  rivalsData(): Promise<string>;
};

export type JobContext = {
  readonly network: Network;
  readonly gateway: Gateway;
  readonly provider: Address;
  readonly signal: AbortSignal;
};

/** Reads a task from the chain. */
export async function readJob({ network, gateway, provider, signal }: JobContext, task: TaskAddress): Promise<Job> {
  const { publicClient } = network;
  const contract = { address: task, abi: taskAbi } as const;
  const [, config, , payment] = await publicClient.readContract({ ...contract, functionName: "taskParams" });
  return {
    task,
    config,
    payment,
    gateway,
    text: () => readText(config, signal),
    async rivalsData() {
      for (;;) {
        const [attempters, responses, status] = await Promise.all([
          publicClient.readContract({ ...contract, functionName: "getAttempters", args: [0n, 1_000n] }),
          publicClient.readContract({ ...contract, functionName: "getResponsesOf", args: [0n, 1_000n] }),
          publicClient.readContract({ ...contract, functionName: "getStatus" }),
        ]);
        const rival = responses.find((response, index) => BigInt(response) !== 0n && attempters[index] !== provider);
        if (rival) return readData(network, rival);
        if (isClosed(status)) throw new Error(`the task ${task} closed before anybody else responded`);
        await sleep(50, undefined, { signal });
      }
    },
  };
}

async function readData(network: Network, response: Address): Promise<string> {
  const call = { address: response, abi: responseAbi, functionName: "getResponseParams" } as const;
  return (await network.publicClient.readContract(call)).data;
}

async function readText(config: string, signal: AbortSignal): Promise<string> {
  const json = /^https?:/.test(config) ? await (await fetch(config, { signal })).text() : config;
  try {
    const text: unknown = JSON.parse(json)?.data?.text;
    return typeof text === "string" ? text : "";
  } catch {
    return "";
  }
}
