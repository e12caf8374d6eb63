import { taskAbi } from "../protocol/abi.ts";
import type { Hex, ResponseAddress, TaskAddress } from "../protocol/brand.ts";
import { type Read, read } from "./contractReads.ts";
import { addressesIn, pageSize } from "./pages.ts";

/** The task's own list of its responses, as far as one request tells it. */
export type ListAnswer = {
  /** Providers that attempted, answered or not; `undefined` where the node does not say. */
  readonly attempts: number | undefined;
  /** In the order of the attempts; `undefined` where there is more to read. */
  readonly list: readonly ResponseAddress[] | undefined;
};

/** What a snapshot asks of the list, in its own request: the count, and a page that is enough for nearly every task. */
export const listReads = (task: TaskAddress, block: Hex): readonly [Read<unknown>, Read<unknown>] => [
  read<bigint>(taskAbi, task, "getAttemptCount", [], block),
  read<readonly string[]>(taskAbi, task, "getResponsesOf", [0n, BigInt(pageSize)], block),
];

/**
 * The page as the whole list, where it holds every attempt. Some versions revert past the end: there, as where a page is
 * short, the list is to be read on its own. What is known of the responses says nothing of the list: anybody's contract may
 * say of itself that it answers the task.
 *
 * @param values The answers to `listReads`.
 */
export function readList(values: readonly unknown[]): ListAnswer {
  const [count, page] = values as [bigint | undefined, readonly string[] | undefined];
  if (count === undefined) return { attempts: undefined, list: undefined };
  const attempts = Number(count);
  return { attempts, list: page?.length === attempts ? addressesIn<ResponseAddress>(page) : undefined };
}
