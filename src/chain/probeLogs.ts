import { RetryableError } from "../errors.ts";
import type { Hex } from "../protocol/brand.ts";
import type { HttpRpc } from "./jsonRpc.ts";
import { RpcError } from "./jsonRpc.ts";
import { toQuantity, type WireBlock } from "./wire.ts";

export type LogsProbe = {
  /** The widest range of blocks that one `eth_getLogs` was seen to take; `undefined`: not even one block. */
  readonly logsRange: number | undefined;
  /** It refused a wider one. */
  readonly isLogsRangeLimited: boolean;
  /** `eth_getLogs` by block hash. */
  readonly logsByHash: boolean;
};

const widths = [10_000, 5_000, 2_500, 1_000, 500, 100, 10, 1];
/** A topic that no event has: the node checks the range, and has nothing to send. */
const nothing = `0x${"f".repeat(64)}`;
/** A node that chokes on the question is not asked for long. */
const mostFailures = 2;

/** Finds what `eth_getLogs` takes, without making the node work for it. @throws nothing: what fails is not supported. */
export async function probeLogs(rpc: HttpRpc, nexus: Hex, head: WireBlock): Promise<LogsProbe> {
  const filter = { address: nexus, topics: [nothing] };
  const number = BigInt(head.number);
  let failures = 0;
  const takes = async (where: object): Promise<boolean> => {
    try {
      return Array.isArray(await rpc.call("eth_getLogs", { ...filter, ...where }));
    } catch (error) {
      if (!(error instanceof RpcError || error instanceof RetryableError)) throw error;
      if (error instanceof RetryableError) failures += 1;
      return false;
    }
  };
  const logsByHash = await takes({ blockHash: head.hash });
  let logsRange: number | undefined;
  let isLogsRangeLimited = false;
  for (const width of widths) {
    if (failures >= mostFailures) break;
    const from = number >= BigInt(width) ? number - BigInt(width) + 1n : 0n;
    if (await takes({ fromBlock: toQuantity(from), toBlock: head.number })) {
      logsRange = width;
      break;
    }
    isLogsRangeLimited = true;
  }
  return { logsRange, isLogsRangeLimited, logsByHash };
}
