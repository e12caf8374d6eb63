import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startAnvil } from "../../devnet/anvil.ts";
import { testNode } from "../../devnet/network.ts";
import { atLeast, type Benchmark } from "../harness/benchmark.ts";
import { startChild } from "../harness/child.ts";
import { processorMs } from "../harness/processorMs.ts";
import { alternate, median } from "../harness/rounds.ts";
import { type AnsweredNetwork, openAnsweredNetwork, writeJournal } from "./answeredNetwork.ts";
import { prepareBatches, preSign, together } from "./prepared.ts";

/** Confirmations that are counted, after those that a contender is given to warm up. */
const count = 1_600;
const warmUp = 1_600;
/** The incumbent needs more than a block for each. */
const fewer = 10;
/** Milliseconds between two blocks. */
const blockMs = 500;
/** A key may have so many waiting; what the node takes at once is not the daemon's to choose. */
const maxInFlight = 4_096;
/** The goal: at least so much of what a bare loop reaches. */
const ofTheLimit = 0.8;
const file = (name: string) => join(import.meta.dirname, name);

/** Confirmations a second through one key. */
export const sink: Benchmark = {
  name: "sink",
  what: "confirmations a second through one key, from the first intent to the last one mined",
  // A node that has both cores works on calls while it takes transactions in.
  isPinned: false,
  run: async ({ rounds, log }) => {
    log(`publishing and answering ${warmUp + count} tasks …`);
    // A block costs anvil the hash of all contracts that there are, thousands here: a fork, be it of an empty chain, does without.
    const origin = await startAnvil();
    const anvilArgs = ["--fork-url", origin.httpUrl, "--no-storage-caching"];
    const network = await openAnsweredNetwork(warmUp + count, { anvilArgs });
    const directory = mkdtempSync(join(tmpdir(), "confirmd-bench-"));
    try {
      const journal = join(directory, "journal.sqlite");
      const block = await writeJournal(journal, network, network.answered.slice(0, warmUp));
      const counted = join(directory, "counted.json");
      writeFileSync(counted, JSON.stringify(network.answered.slice(warmUp)));
      const raws = join(directory, "raws.json");
      const signed = await preSign(network);
      writeFileSync(raws, JSON.stringify(signed));
      const batches = join(directory, "batches.json");
      writeFileSync(batches, JSON.stringify(prepareBatches(network, signed)));
      const responses = join(directory, "responses.json");
      writeFileSync(responses, JSON.stringify(network.answered.slice(0, fewer).map(({ response }) => response)));
      await network.undo();
      const { rpc, chainId, accounts } = network.devnet;
      const { privateKey } = accounts.agent;
      /** Milliseconds of a processor that the node took for each turn. */
      const nodeMs: Record<"native" | "required" | "limit", number[]> = { native: [], required: [], limit: [] };
      const ours = (engine: "javascript" | "native") => {
        const journalPath = `${journal}-copy`;
        for (const suffix of ["", "-wal", "-shm"]) rmSync(`${journalPath}${suffix}`, { force: true });
        copyFileSync(journal, journalPath);
        return measure(
          network,
          warmUp + count,
          count,
          "ours.ts",
          {
            ...rpc,
            requests: rpc.ws,
            chainId,
            journalPath,
            file: counted,
            provider: network.provider,
            block: { ...block, number: String(block.number) },
            privateKey,
            maxInFlight,
            engine,
            finality: 3,
          },
          engine === "native" ? nodeMs.native : [],
        );
      };
      const { medians, all } = await alternate(rounds, () => undefined, {
        ours: () => ours("javascript"),
        native: () => ours("native"),
        limit: () =>
          measure(network, warmUp + count, count, "bare.ts", { ...rpc, file: raws, warmUp, window: 256 }, nodeMs.limit),
        oneByOne: () => measure(network, warmUp + count, count, "bare.ts", { ...rpc, file: raws, warmUp, window: 1 }),
        required: () => {
          const args = { ws: rpc.ws, file: batches, directory, warmUp: warmUp / together };
          return measure(network, warmUp + count, count, "requiredSteps.ts", args, nodeMs.required);
        },
        peer: () =>
          measure(network, fewer, fewer - 2, "incumbent.ts", {
            ...rpc,
            chainId,
            privateKey,
            file: responses,
            warmUp: 2,
          }),
      });
      const limit = Math.max(medians.limit, medians.oneByOne);
      const share = medians.required / limit;
      log(`  the required steps, with nothing of the daemon between them: ${share.toFixed(2)} of the limit`);
      // The first turn of each is the uncounted round.
      const worked = (name: keyof typeof nodeMs) => Math.round(median(nodeMs[name].slice(1)));
      const node = { native: worked("native"), required: worked("required"), limit: worked("limit") };
      const goalMs = Math.round((count * 1_000) / (ofTheLimit * limit));
      log(
        `  of its processor the node took ${node.native} ms for the sink's, ${node.required} for the required steps', ${node.limit} for the bare loop's; the goal leaves ${goalMs} for all`,
      );
      return {
        rows: [
          { label: "one key, native engine", unit: "confirmations/s", ours: medians.native, peer: medians.peer, limit },
          { label: "one key, JavaScript", unit: "confirmations/s", ours: medians.ours, peer: medians.peer, limit },
        ],
        goals: [atLeast("of what a bare loop reaches, native engine", ofTheLimit, medians.native / limit)],
        detail: {
          ours: "the sink: state read again, call simulated, signed in a thread, journalled (on the disk first), sent, tracked",
          peer: "nonce, gas price, gas, sign, send, wait for the receipt, ten polls a second; one after the other",
          limit:
            "transactions signed before, over one WebSocket: one after the answer to the other, or 256 at once; the faster",
          required: {
            what: "of a hundred, states and simulations in one request, signatures with their checks in a thread, one fdatasync, and transactions in one more request; five hundreds under way",
            perSecond: medians.required,
            ofTheLimit: share,
          },
          node: `anvil, a block every ${blockMs} ms`,
          nodeMs: { ...node, goal: goalMs },
          count,
          warmUp,
          fewer,
          maxInFlight,
          all,
        },
      };
    } finally {
      await network.devnet.stop();
      await origin.stop();
      rmSync(directory, { recursive: true, force: true });
    }
  },
};

/**
 * Starts one of them, has it warm up, takes its time until all is mined, and takes everything back.
 * @param nodeMs What the node worked meanwhile is added to it.
 */
async function measure(
  network: AnsweredNetwork,
  expected: number,
  counted: number,
  program: string,
  args: unknown,
  nodeMs: number[] = [],
): Promise<number> {
  const { publicClient, accounts, network: node, nodePid } = network.devnet;
  const { address } = accounts.agent;
  const before = await publicClient.getBlockNumber();
  const first = await publicClient.getTransactionCount({ address });
  const child = startChild(file(program), { args: [args] });
  const mine = () => testNode(node, "evm_mine");
  const mineAlways = () => setInterval(() => void mine().catch(() => undefined), blockMs);
  let blocks = mineAlways();
  const timer = setTimeout(() => void child.stop(), 120_000);
  try {
    await child.answer();
    // The next block comes a whole interval after the clock starts, for each of them, however long it took to warm up; and none
    // is being mined when it does.
    clearInterval(blocks);
    await mine();
    blocks = mineAlways();
    const workedBefore = processorMs(nodePid);
    const start = performance.now();
    child.go();
    await child.answer();
    await mine();
    for (let more = 0; more < 5 && (await publicClient.getTransactionCount({ address })) < first + expected; more++) {
      await mine();
    }
    const perSecond = (counted / (performance.now() - start)) * 1_000;
    nodeMs.push(processorMs(nodePid) - workedBefore);
    clearInterval(blocks);
    const paid = await paidSince(network, before);
    if (paid !== expected) throw new Error(`${program} paid ${paid} of ${expected} responses`);
    return perSecond;
  } finally {
    clearTimeout(timer);
    clearInterval(blocks);
    await child.stop();
    await network.undo();
  }
}

/** How many transactions of the key were mined above a block, and did what they should. */
async function paidSince({ devnet }: AnsweredNetwork, block: bigint): Promise<number> {
  const { publicClient, accounts } = devnet;
  let paid = 0;
  for (let number = block + 1n; number <= (await publicClient.getBlockNumber()); number++) {
    const { transactions } = await publicClient.getBlock({ blockNumber: number });
    const receipts = await Promise.all(transactions.map((hash) => publicClient.getTransactionReceipt({ hash })));
    const isOurs = accounts.agent.address.toLowerCase();
    paid += receipts.filter(({ from, status }) => from.toLowerCase() === isOurs && status === "success").length;
  }
  return paid;
}
