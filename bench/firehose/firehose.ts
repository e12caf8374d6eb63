import { join } from "node:path";
import { atLeast, atMost, type Benchmark, type Row } from "../harness/benchmark.ts";
import { pinning, startChild } from "../harness/child.ts";

const file = (name: string) => join(import.meta.dirname, name);

type Figures = { readonly ours: number; readonly peer: number; readonly limit: number };
type InProcess = {
  medians: Figures;
  all: unknown;
  events: number;
  ourEvents: number;
  lookUps: number;
  stored: object;
  bytesPerMessage: number;
};
type Memory = { resident: Record<number, { rssMiB: number; heapMiB: number }>; lookUps: number; stored: object };

const seed = 3;
const early = 500_000;
const late = 5_000_000;

async function webSocketFigures(rounds: number, messages: number): Promise<{ medians: Figures; all: unknown }> {
  const pusher = startChild(file("pusher.ts"), { core: 1, args: [seed, messages] });
  try {
    const { port } = (await pusher.answer()) as { port: number };
    const child = startChild(file("webSocket.ts"), { core: 0, args: [rounds, port, seed, messages] });
    return (await child.answer()) as { medians: Figures; all: unknown };
  } finally {
    await pusher.stop();
  }
}

/** A network's events, 1 % of them ours, from the message to the journal. */
export const firehose: Benchmark = {
  name: "firehose",
  what: "the whole network's events over one socket: parsed, filtered, de-duplicated, ours stored",
  run: async ({ rounds, log }) => {
    log("without a socket …");
    const inProcess = (await startChild(file("inProcess.ts"), {
      core: 0,
      args: [rounds, 200_000],
    }).answer()) as InProcess;
    log("over a loopback WebSocket …");
    const webSocket = await webSocketFigures(rounds, 300_000);
    log(`memory, ${late / 1e6} million events …`);
    const memory = (await startChild(file("memory.ts"), {
      core: 0,
      nodeArgs: ["--expose-gc"],
      args: [[early, late]],
    }).answer()) as Memory;

    const unit = "events/s";
    const rows: [Row, ...Row[]] = [
      { label: "in process", unit, ...inProcess.medians },
      { label: "loopback WebSocket", unit, ...webSocket.medians },
    ];
    const [before, after] = [memory.resident[early]?.rssMiB ?? 0, memory.resident[late]?.rssMiB ?? 0];
    return {
      rows,
      goals: [
        atLeast("in process, events/s on one core", 100_000, inProcess.medians.ours),
        atLeast("loopback WebSocket, events/s on one core", 50_000, webSocket.medians.ours),
        atMost(`resident memory after ${late} events, over that after ${early} (${before} MiB)`, 1.1, after / before),
      ],
      detail: {
        ours: "parse, filter, decode, de-duplicate, resolve, store in SQLite",
        peer: "viem: decodeEventLog of JSON.parse; watchEvent over its WebSocket transport",
        limit: "JSON.parse of the same messages, nothing else",
        onOneCore: pinning,
        inProcess,
        webSocket,
        memory,
      },
    };
  },
};
