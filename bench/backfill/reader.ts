import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { EMPTY, lastValueFrom, of } from "rxjs";
import { createPublicClient, http } from "viem";
import { createChain } from "../../src/chain/createChain.ts";
import { createJsonRpc } from "../../src/chain/createJsonRpc.ts";
import { nexusLogs } from "../../src/chain/eventReads.ts";
import { resultOf } from "../../src/chain/jsonRpc.ts";
import { createSweep } from "../../src/chain/sweep.ts";
import { createTaskIndex } from "../../src/chain/taskIndex.ts";
import { createWatch } from "../../src/chain/watch.ts";
import { systemClock } from "../../src/clock.ts";
import { createIntakes } from "../../src/intake.ts";
import { openSqliteJournal } from "../../src/journal/sqliteJournal.ts";
import { createHeapRoom } from "../../src/ops/heapRoom.ts";
import { nexusAbi } from "../../src/protocol/abi.ts";
import type { SourceAddress } from "../../src/protocol/brand.ts";
import { mainnet } from "../../src/protocol/chains.ts";
import { eventTopics } from "../../src/protocol/events.ts";
import type { Reporter } from "../../src/report.ts";
import { answer, childArgs } from "../harness/child.ts";
import { alternate } from "../harness/rounds.ts";
import { deployment, type expected, ourSource } from "./chain.ts";

/** The process that reads the chain: the daemon's scanner into a journal, the bare calls, and viem. */
const [rounds, url, blocks, blocksPerCall, { events, ourTasks, ourResponses }] =
  childArgs<[number, string, number, number, ReturnType<typeof expected>]>();

const rpc = createJsonRpc({ url, timeoutMs: 60_000 });
const quantity = (value: number) => `0x${value.toString(16)}` as const;
const perSecond = (count: number, start: number) => (count / (performance.now() - start)) * 1_000;
const check = (what: string, got: number, wanted: number) => {
  if (got !== wanted) throw new Error(`${what}: ${got} instead of ${wanted}`);
};

function* ranges(): Generator<readonly [from: number, to: number]> {
  for (let from = 1; from <= blocks; from += blocksPerCall) yield [from, Math.min(blocks, from + blocksPerCall - 1)];
}

/** The logs and the last block of each range, and nothing else: no decoding, no journal. */
async function bare(): Promise<number> {
  const start = performance.now();
  let seen = 0;
  for (const [from, to] of ranges()) {
    const range = { ...nexusLogs(deployment), fromBlock: quantity(from), toBlock: quantity(to) };
    const [logs] = await rpc.batch([
      { method: "eth_getLogs", params: [range] },
      { method: "eth_getBlockByNumber", params: [quantity(to), false] },
    ]);
    seen += (resultOf(logs) as unknown[]).length;
  }
  check("events of the bare calls", seen, events);
  return perSecond(seen, start);
}

async function viem(): Promise<number> {
  const client = createPublicClient({ chain: mainnet, transport: http(url, { timeout: 60_000 }) });
  const wanted = nexusAbi.filter((item) => item.type === "event").filter(({ name }) => name in eventTopics);
  const start = performance.now();
  let seen = 0;
  for (const [from, to] of ranges()) {
    const address = deployment.nexus;
    const logs = await client.getLogs({ address, events: wanted, fromBlock: BigInt(from), toBlock: BigInt(to) });
    seen += logs.length;
  }
  check("events of viem", seen, events);
  return perSecond(seen, start);
}

async function daemon(): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), "confirmd-bench-"));
  const path = join(directory, "journal.sqlite");
  const journal = openSqliteJournal({ path, chainId: mainnet.id });
  const chain = createChain({
    rpc,
    socket$: EMPTY,
    deployment,
    finality: 0,
    pollIntervalMs: 1 << 30,
    clock: systemClock,
    report: () => undefined,
  });
  const sources = new Set([ourSource as SourceAddress]);
  const watch = createWatch({ chain, journal, index: createTaskIndex() }, { sources, clients: new Set(), own: [] });
  const sweep = createSweep({ chain, journal, watch });
  const heapRoom = createHeapRoom();
  const report: Reporter = (each) => {
    heapRoom(each);
    if (each.type === "retry") throw new Error(`the benchmark saw a retry: ${each.what}`, { cause: each.error });
  };
  const intakes = createIntakes(
    { chain, journal, watch, sweep, clock: systemClock, report },
    { startBlock: 1n, maxBlockRange: blocksPerCall, rewind: 64, auditEveryMs: 60_000 },
  );
  const head = await chain.head();
  const start = performance.now();
  await lastValueFrom(of(head).pipe(intakes.scan), { defaultValue: undefined });
  const figure = perSecond(events, start);
  await journal.close();
  const reader = new DatabaseSync(path, { readOnly: true });
  check("tasks of ours", Number(reader.prepare("SELECT count(*) AS n FROM tasks").get()?.n), ourTasks);
  check("responses of ours", Number(reader.prepare("SELECT count(*) AS n FROM responses").get()?.n), ourResponses);
  reader.close();
  rmSync(directory, { recursive: true, force: true });
  return figure;
}

answer(await alternate(rounds, () => undefined, { ours: daemon, limit: bare, peer: viem }));
process.exit(0);
