import type { Hex } from "../protocol/brand.ts";
import type { Deployment } from "../protocol/chains.ts";
import { agentSetTopic, type ChainEvent, decodeEvent, eventTopics, type RpcLog } from "../protocol/events.ts";
import type { Reporter } from "../report.ts";
import type { ChainPort, Head } from "./chainPort.ts";
import { type HttpRpc, type Missing, resultOf } from "./jsonRpc.ts";
import { bloomTest } from "./logsBloom.ts";
import { blockCall, blockIn, toHead, toQuantity } from "./wire.ts";

export type EventReadsDeps = {
  readonly rpc: HttpRpc;
  /** For second opinions. @default `rpc` */
  readonly elsewhere?: HttpRpc;
  readonly deployment: Deployment;
  readonly report: Reporter;
};

const nexusTopics = Object.values(eventTopics);

/** The filter for everything that the daemon wakes for: no event is indexed, so it is everybody's. */
export const nexusLogs = ({ nexus }: Deployment) => ({ address: nexus, topics: [nexusTopics] });

/** The same, and who becomes whose agent: what such a client publishes next is the daemon's. */
const scannedLogs = ({ nexus, terminal }: Deployment) => ({
  address: [nexus, terminal],
  topics: [[...nexusTopics, agentSetTopic]],
});

/** The events of ranges and of single blocks; where a block's bloom promises some and there are none, asked elsewhere. */
export function eventReads(
  { rpc, elsewhere = rpc, deployment, report }: EventReadsDeps,
  missing: Missing,
): Pick<ChainPort, "events" | "eventsElsewhere" | "eventsOfBlocks"> {
  const logFilter = scannedLogs(deployment);
  const mayHoldNexus = bloomTest(deployment.nexus, nexusTopics);
  const mayHoldAgents = bloomTest(deployment.terminal, [agentSetTopic]);
  const mayHoldEvents = (logsBloom: Hex | undefined) => mayHoldNexus(logsBloom) || mayHoldAgents(logsBloom);

  const eventsFrom =
    (endpoint: HttpRpc): ChainPort["events"] =>
    async (lower, upper) => {
      const range = { ...logFilter, fromBlock: toQuantity(lower), toBlock: toQuantity(upper) };
      // The block before and after: a node that takes it in, or falls back, between the answers would have given the logs of less.
      const lastBlock = blockCall(toQuantity(upper));
      const [before, first, logs, after] = await endpoint.batch([
        lastBlock,
        blockCall(toQuantity(lower)),
        { method: "eth_getLogs", params: [range] },
        lastBlock,
      ]);
      const found = blockIn(before);
      const last = found === null ? undefined : toHead(found);
      if (last?.number !== upper || blockIn(after)?.hash !== last.hash) throw missing("its last block", upper);
      const parentHash = blockIn(first)?.parentHash;
      if (parentHash === undefined) throw missing("its first block", lower);
      return { events: toEvents(resultOf(logs)), parentHash, last };
    };

  return {
    events: eventsFrom(rpc),
    eventsElsewhere: eventsFrom(elsewhere),

    eventsOfBlocks: async (blocks) => {
      const ask = (endpoint: HttpRpc, some: readonly Head[]) => eventsByHash(endpoint, logFilter, some);
      const events = await ask(rpc, blocks);
      const suspicious = blocks.filter(({ logsBloom }, at) => events[at]?.length === 0 && mayHoldEvents(logsBloom));
      if (suspicious.length === 0) return events.flat();
      const again = await ask(elsewhere, suspicious);
      report({ type: "bloom", blocks: suspicious.length, found: again.flat().length });
      return blocks.flatMap((block, at) => again[suspicious.indexOf(block)] ?? events[at] ?? []);
    },
  };
}

const toEvents = (logs: unknown): readonly ChainEvent[] =>
  (logs as RpcLog[]).map(decodeEvent).filter((event) => event !== undefined);

async function eventsByHash(
  rpc: HttpRpc,
  logFilter: ReturnType<typeof scannedLogs>,
  blocks: readonly Head[],
): Promise<readonly (readonly ChainEvent[])[]> {
  const answers = await rpc.batch(
    blocks.map(({ hash }) => ({ method: "eth_getLogs", params: [{ ...logFilter, blockHash: hash }] })),
  );
  return answers.map((answer) => toEvents(resultOf(answer)));
}
