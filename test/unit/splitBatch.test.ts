import { EMPTY, lastValueFrom, Subject, toArray } from "rxjs";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createChain } from "../../src/chain/createChain.ts";
import type { Sweep } from "../../src/chain/sweep.ts";
import { createTaskIndex } from "../../src/chain/taskIndex.ts";
import { createWatch } from "../../src/chain/watch.ts";
import { toQuantity } from "../../src/chain/wire.ts";
import { createIntakes } from "../../src/intake.ts";
import type { Journal } from "../../src/journal/journal.ts";
import type { Hex, TaskAddress } from "../../src/protocol/brand.ts";
import { deploymentOn } from "../../src/protocol/chains.ts";
import { eventTopics, type RpcLog } from "../../src/protocol/events.ts";
import { openEndpointStage } from "../support/endpointStage.ts";
import { hashOf, headAt, source, task } from "../support/fakeChain.ts";
import { type JournalPlace, sqlitePlace } from "../support/journals.ts";
import type { RpcRequest } from "../support/rpcServer.ts";

const deployment = deploymentOn(1071);
if (deployment === undefined) throw new TypeError("no deployment to test with");
const word = (address: string) => address.slice(2).padStart(64, "0");
const publishedIn = 98n;
const published: RpcLog = {
  address: deployment.nexus,
  topics: [eventTopics.TaskPublished],
  data: `0x${word(task)}${word(source)}`,
  blockNumber: toQuantity(publishedIn),
  blockHash: hashOf(publishedIn),
  logIndex: "0x0",
};

let place: JournalPlace;
let journal: Journal;
beforeEach(async () => {
  place = sqlitePlace();
  journal = await place.open();
});
afterEach(async () => {
  await journal.close();
  await place.remove();
});

/** Two nodes behind one address that takes no batches: the second one has what the first has so many blocks later. */
async function openBalancer() {
  let head = 100n;
  let lag = 5n;
  const answerOf = ({ method, params: [first] }: RpcRequest): unknown => {
    // Whoever asks for logs is led to the second node, and for blocks to the first: each request goes where it goes.
    if (method !== "eth_getLogs") {
      const number = first === "latest" ? head : BigInt(first as Hex);
      return number > head
        ? null
        : { ...headAt(number), number: toQuantity(number), timestamp: "0x1", baseFeePerGas: "0x1" };
    }
    const { blockHash, fromBlock, toBlock } = first as Record<"blockHash" | "fromBlock" | "toBlock", Hex>;
    if (blockHash !== undefined) return BigInt(blockHash) > head - lag ? undefined : [];
    const upper = BigInt(toBlock) < head - lag ? BigInt(toBlock) : head - lag;
    return publishedIn >= BigInt(fromBlock) && publishedIn <= upper ? [published] : [];
  };
  const stage = await openEndpointStage(
    [
      (calls) => {
        const [call, ...others] = calls;
        if (call === undefined || others.length > 0) return { status: 400, body: "no batches" };
        const result = answerOf(call);
        const unknown = { code: -32000, message: "unknown block" };
        return { body: { jsonrpc: "2.0", id: call.id, ...(result === undefined ? { error: unknown } : { result }) } };
      },
    ],
    { batchSize: 1 },
  );
  return {
    ...stage,
    moveOn: (to: bigint, behind: bigint) => {
      [head, lag] = [to, behind];
    },
  };
}

it("what a lagging node behind an address that takes no batches kept from the scanner the second pass finds within two minutes", async () => {
  const { endpoints, moveOn, clock, pass, reports } = await openBalancer();
  const report = (each: (typeof reports)[number]) => void reports.push(each);
  const chain = createChain({
    ...{ rpc: endpoints, elsewhere: endpoints.elsewhere, apart: endpoints.apart, socket$: EMPTY, deployment },
    ...{ finality: 1, pollIntervalMs: 60_000, clock, report },
  });
  const watch = createWatch(
    { chain, journal, index: createTaskIndex() },
    { sources: new Set([source]), clients: new Set(), own: [] },
  );
  const sweep: Sweep = { round: async function* () {}, forget: () => undefined };
  const intakes = createIntakes(
    { chain, journal, watch, sweep, clock, report },
    { startBlock: 90n, maxBlockRange: 100, rewind: 64, auditEveryMs: 60_000 },
  );
  const heads = new Subject<Awaited<ReturnType<typeof chain.head>>>();
  const [scanned, audited] = [
    lastValueFrom(heads.pipe(intakes.scan, toArray())),
    lastValueFrom(heads.pipe(intakes.audit, toArray())),
  ];
  const settled = async (ask: () => Promise<boolean>) => {
    for (let turn = 0; turn < 200 && !(await ask()); turn++) await pass(1);
    expect(await ask()).toBe(true);
  };
  heads.next(await chain.head());
  await settled(async () => (await journal.cursor())?.number === 99n);
  // The checkpoint has passed it, and nobody knows.
  expect(await journal.knownTasks([task])).toEqual(new Set());

  moveOn(103n, 0n);
  const since = clock.now();
  let found: ReadonlySet<TaskAddress> = new Set();
  while (found.size === 0 && clock.now() - since < 120_000) {
    heads.next(await chain.head());
    await pass(1_000);
    for (let turn = 0; turn < 20; turn++) await pass(1);
    found = await journal.knownTasks([task]);
  }
  expect(found).toEqual(new Set([task]));
  expect(reports).toContainEqual({ type: "missed", via: "audit", tasks: 1, responses: 0 });
  heads.complete();
  await Promise.all([scanned, audited]);
});
