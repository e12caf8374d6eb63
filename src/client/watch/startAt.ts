import type { Head } from "../../chain/chainPort.ts";
import type { ScanStep } from "../../chain/scanner.ts";
import { RetryableError } from "../../errors.ts";
import type { Cursor } from "../../journal/journal.ts";
import type { ClientContext } from "../context.ts";

/** @param first The first block to tell of. */
export type Start = Pick<ScanStep, "cursor" | "known"> & { readonly first: bigint };

/** Blocks that are known at the start at most, and that the scanner goes back where a reorg reaches below what it knows. */
export const rewind = 64;

/**
 * Where a watch begins: at the block before the first one to tell of. Without a first block, what is told is what comes after now,
 * and what a reorg puts in the place of blocks that are there now; nothing of blocks that stay.
 * @throws RetryableError if the node does not have it.
 */
export async function startAt(context: ClientContext, fromBlock: bigint | undefined): Promise<Start> {
  const { chain, rpc } = context;
  const head = await chain.head();
  if (fromBlock === undefined) {
    const known = [head, ...(await ancestorsOf(context, head))].map(refOf);
    // Below what is known nothing is told of, however far a reorg makes the scanner go back.
    return { cursor: refOf(head), known, first: (known.at(-1)?.number ?? head.number) + 1n };
  }
  const before = fromBlock > head.number ? head.number : fromBlock > 0n ? fromBlock - 1n : 0n;
  const block = before === head.number ? head : await chain.block(before);
  if (block === undefined) {
    throw new RetryableError(`${rpc.name} does not have block ${before}`, {
      code: "NODE_BEHIND",
      remedy: "use an endpoint that keeps that block, or begin later",
    });
  }
  return { cursor: refOf(block), known: [refOf(block)], first: fromBlock };
}

/** Those that can still be taken back, and the final one below them, newest first: by them the scanner knows how far to go back. */
async function ancestorsOf({ chain }: ClientContext, head: Head): Promise<readonly Head[]> {
  const final = await chain.finalBlock(head);
  const farthest = head.number > BigInt(rewind) ? head.number - BigInt(rewind) : 0n;
  const lowest = final > farthest ? final : farthest;
  if (lowest >= head.number) return [];
  const ancestors: Head[] = [];
  let child = head;
  for (const block of (await chain.blocks(lowest, head.number - 1n)).toReversed()) {
    if (block === undefined || block.hash !== child.parentHash) break;
    ancestors.push(block);
    child = block;
  }
  return ancestors;
}

const refOf = ({ number, hash }: Cursor): Cursor => ({ number, hash });
