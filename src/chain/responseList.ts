import { taskAbi } from "../protocol/abi.ts";
import type { Hex, ResponseAddress, TaskAddress } from "../protocol/brand.ts";
import type { Response } from "../protocol/entities.ts";
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
 * @param values The answers to `listReads`.
 * @param known The responses that were read in the same block.
 */
export function readList(values: readonly unknown[], known: readonly Response[]): ListAnswer {
  const [count, page] = values as [bigint | undefined, readonly string[] | undefined];
  if (count === undefined) return { attempts: undefined, list: undefined };
  const attempts = Number(count);
  if (page?.length === attempts) return { attempts, list: addressesIn<ResponseAddress>(page) };
  // Some versions revert past the end. Who attempted answers once: where each has, and is known, nobody is left.
  const answered = new Set(known.map(({ provider }) => provider)).size;
  return { attempts, list: answered >= attempts ? known.map(({ address }) => address) : undefined };
}

/** Responses in the order of the list; those that it does not hold come last. */
export function inOrderOfList(responses: readonly Response[], list: readonly ResponseAddress[]): readonly Response[] {
  const places = new Map(list.map((address, at) => [address, at]));
  const placeOf = ({ address }: Response) => places.get(address) ?? list.length;
  return responses.toSorted((a, b) => placeOf(a) - placeOf(b));
}
