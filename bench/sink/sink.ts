import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { encodeFunctionData, type Hex } from "viem";
import { testNode } from "../../devnet/network.ts";
import { controllerAbi } from "../../src/protocol/abi.ts";
import { atLeast, type Benchmark } from "../harness/benchmark.ts";
import { startChild } from "../harness/child.ts";
import { alternate } from "../harness/rounds.ts";
import { type AnsweredNetwork, openAnsweredNetwork, writeIntents } from "./answeredNetwork.ts";

const count = 500;
/** The incumbent needs more than a block for each. */
const fewer = 20;
const blockMs = 100;
/** A key may have so many waiting; what the node takes at once is not the daemon's to choose. */
const maxInFlight = 256;
const gwei = 10n ** 9n;
const file = (name: string) => join(import.meta.dirname, name);

/** Confirmations a second through one key. */
export const sink: Benchmark = {
  name: "sink",
  what: "confirmations a second through one key, from the first intent to the last one mined",
  run: async ({ rounds, log }) => {
    log(`publishing and answering ${count} tasks …`);
    const network = await openAnsweredNetwork(count);
    const directory = mkdtempSync(join(tmpdir(), "confirmd-bench-"));
    try {
      const journal = join(directory, "intents.sqlite");
      await writeIntents(journal, network);
      const raws = join(directory, "raws.json");
      writeFileSync(raws, JSON.stringify(await preSign(network)));
      const responses = join(directory, "responses.json");
      writeFileSync(responses, JSON.stringify(network.answered.slice(0, fewer).map(({ response }) => response)));
      await network.undo();
      const { rpc, chainId, accounts } = network.devnet;
      const { privateKey } = accounts.agent;
      const ours = (engine: "javascript" | "native") => {
        const journalPath = join(directory, "journal.sqlite");
        for (const suffix of ["", "-wal", "-shm"]) rmSync(`${journalPath}${suffix}`, { force: true });
        copyFileSync(journal, journalPath);
        return measure(network, count, "ours.ts", {
          ...rpc,
          chainId,
          journalPath,
          privateKey,
          maxInFlight,
          engine,
          finality: 3,
        });
      };
      const { medians, all } = await alternate(rounds, () => undefined, {
        ours: () => ours("javascript"),
        native: () => ours("native"),
        limit: () => measure(network, count, "bare.ts", { ...rpc, file: raws, window: 256 }),
        oneByOne: () => measure(network, count, "bare.ts", { ...rpc, file: raws, window: 1 }),
        peer: () => measure(network, fewer, "incumbent.ts", { ...rpc, chainId, privateKey, file: responses }),
      });
      const limit = Math.max(medians.limit, medians.oneByOne);
      return {
        rows: [
          { label: "one key, native engine", unit: "confirmations/s", ours: medians.native, peer: medians.peer, limit },
          { label: "one key, JavaScript", unit: "confirmations/s", ours: medians.ours, peer: medians.peer, limit },
        ],
        goals: [atLeast("of what a bare loop reaches, native engine", 0.8, medians.native / limit)],
        detail: {
          ours: "the sink: state read again, call simulated, signed in a thread, journalled (synchronous = FULL), sent, tracked",
          peer: "nonce, gas price, gas, sign, send, wait for the receipt, ten polls a second; one after the other",
          limit:
            "transactions signed before, over one WebSocket: one after the answer to the other, or 256 at once; the faster",
          node: `anvil, a block every ${blockMs} ms`,
          count,
          fewer,
          maxInFlight,
          all,
        },
      };
    } finally {
      await network.devnet.stop();
      rmSync(directory, { recursive: true, force: true });
    }
  },
};

async function preSign({ devnet, answered }: AnsweredNetwork): Promise<readonly Hex[]> {
  const { accounts, publicClient, deployment, chainId } = devnet;
  const first = await publicClient.getTransactionCount({ address: accounts.agent.address });
  return Promise.all(
    answered.map(({ response }, index) =>
      accounts.agent.signTransaction({
        chainId,
        to: deployment.controller,
        data: encodeFunctionData({ abi: controllerAbi, functionName: "confirmResponse", args: [response] }),
        nonce: first + index,
        gas: 400_000n,
        maxFeePerGas: 100n * gwei,
        maxPriorityFeePerGas: gwei,
      }),
    ),
  );
}

/** Starts one of them, mines until so many of its transactions are in, and takes everything back. */
async function measure(network: AnsweredNetwork, expected: number, program: string, args: unknown): Promise<number> {
  const { publicClient, accounts, network: node } = network.devnet;
  const address = accounts.agent.address;
  const first = await publicClient.getTransactionCount({ address });
  const child = startChild(file(program), { core: 0, args: [args] });
  try {
    await child.answer();
    const start = performance.now();
    for (let block = 1; ; block++) {
      await sleep(Math.max(0, start + block * blockMs - performance.now()));
      await testNode(node, "evm_mine");
      if ((await publicClient.getTransactionCount({ address })) >= first + expected) break;
      if (performance.now() - start > 120_000) throw new Error(`${program} did not bring ${expected} transactions in`);
    }
    return (expected / (performance.now() - start)) * 1_000;
  } finally {
    await child.stop();
    await network.undo();
  }
}
