import type { Hash, Hex } from "../protocol/brand.ts";
import { eventTopics, type RpcLog } from "../protocol/events.ts";
import type { ChainPort } from "./chainPort.ts";
import type { HttpRpc } from "./jsonRpc.ts";
import { refusedMs } from "./readTogether.ts";
import { blockCall, toQuantity, type WireBlock } from "./wire.ts";

type ConfirmLogsDeps = { readonly rpc: HttpRpc; readonly nexus: Hex; readonly now: () => number };

type ConfirmLog = RpcLog & { readonly transactionHash?: Hash | null };

/** No event is indexed, so everybody's logs come: of more than these for each of ours, receipts cost less. */
const mostForeign = 8;

const topic = eventTopics.ResponseStatusChanged;

/**
 * Which transactions of ours confirmed, by the logs of a few blocks: what reverted leaves none. One question, where a node
 * works longer on each receipt than on a log. A node that refuses it, or where most logs are others', is spared it for a minute.
 */
export function createConfirmLogs({ rpc, nexus, now }: ConfirmLogsDeps): ChainPort["confirmedIn"] {
  const address = nexus.toLowerCase();
  let spareUntil = Number.NEGATIVE_INFINITY;
  const spare = () => {
    spareUntil = now() + refusedMs;
  };

  const ask = async (from: bigint, { number, hash }: { readonly number: bigint; readonly hash: Hash }) => {
    const [logs, block] = await rpc.batch([
      {
        method: "eth_getLogs",
        params: [{ address: nexus, topics: [topic], fromBlock: toQuantity(from), toBlock: toQuantity(number) }],
      },
      blockCall(toQuantity(number)),
    ]);
    if (logs === undefined || "error" in logs || !Array.isArray(logs.result)) {
      spare();
      return [];
    }
    const isThere = block !== undefined && "result" in block && (block.result as WireBlock | null)?.hash === hash;
    return isThere ? (logs.result as ConfirmLog[]) : [];
  };

  return async (hashes, from, head) => {
    const found = new Map<Hash, bigint>();
    if (hashes.length === 0 || from > head.number || now() < spareUntil) return found;
    let logs: readonly ConfirmLog[];
    try {
      logs = await ask(from, head);
    } catch {
      // Whoever asks for the receipts then hears why, if it still does not answer.
      spare();
      return found;
    }
    const ours = new Set(hashes);
    for (const log of logs) {
      const { transactionHash: hash, blockNumber } = log;
      if (!hash || !blockNumber || log.removed || log.topics[0] !== topic || !ours.has(hash)) continue;
      const number = BigInt(blockNumber);
      if (log.address.toLowerCase() === address && number >= from && number <= head.number) found.set(hash, number);
    }
    if (logs.length > mostForeign * Math.max(found.size, 1)) spare();
    return found;
  };
}
