import { join } from "node:path";
import { atLeast, type Benchmark } from "../harness/benchmark.ts";
import { pinning, startChild } from "../harness/child.ts";
import type { Measured } from "../harness/rounds.ts";
import { expected, startLongChain } from "./chain.ts";

const blocks = 1_000;
const tasksPerBlock = 50;
const age = 500;
const blocksPerCall = 25;

/** Catching up on a real node: its `eth_getLogs` answers, through the scanner and the intake, into a journal. */
export const backfill: Benchmark = {
  name: "backfill",
  what: "a backlog read from a real node (anvil) by eth_getLogs, with checkpoints in SQLite",
  run: async ({ rounds, log }) => {
    const wanted = expected(blocks * tasksPerBlock, age);
    log(`mining ${blocks} blocks with ${wanted.events} events …`);
    const anvil = await startLongChain(blocks, tasksPerBlock, age);
    try {
      log("reading …");
      const args = [rounds, anvil.httpUrl, blocks, blocksPerCall, wanted];
      const reader = startChild(join(import.meta.dirname, "reader.ts"), { core: 0, args });
      const { medians, all } = (await reader.answer()) as Measured<"ours" | "peer" | "limit">;
      return {
        rows: [{ label: "backfill", unit: "events/s", ...medians }],
        goals: [atLeast("share of the bare calls' rate, with checkpoints", 0.8, medians.ours / medians.limit)],
        detail: {
          ours: "scanner, decode, resolve, journal (SQLite), the checkpoint with every range",
          peer: "viem's getLogs with the four events, one range after the other, nothing stored",
          limit: "the same eth_getLogs and block reads one after the other, JSON.parse of the answers, nothing else",
          node: "anvil; a contract in the Nexus' place emitted the events",
          blocks,
          ...wanted,
          blocksPerCall,
          onOneCore: `${pinning}; the node on the other core`,
          all,
        },
      };
    } finally {
      await anvil.stop();
    }
  },
};
