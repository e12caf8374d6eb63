import type { Head } from "./chainPort.ts";
import type { Read } from "./contractReads.ts";
import type { HttpRpc, Missing } from "./jsonRpc.ts";
import { createReadTogether } from "./readTogether.ts";
import { blockRead } from "./snapshot.ts";
import { toQuantity } from "./wire.ts";

/**
 * Reads of several things as they stand in one block, as one call where the node does that; answered group by group. Rejects with
 * RetryableError if the node does not have the block.
 */
export function createReadInBlock(rpc: HttpRpc, now: () => number, missing: Missing) {
  const readTogether = createReadTogether(rpc, now);
  return async (what: string, groups: readonly (readonly Read<unknown>[])[], block: bigint) => {
    const at = toQuantity(block);
    const { values } = await readTogether([blockRead(at), ...groups.flat()], at);
    const [head, ...found] = values;
    if (head === undefined) throw missing(what, block);
    const rest = found.values();
    return { block: head as Head, found: groups.map((group) => group.map(() => rest.next().value)) };
  };
}
