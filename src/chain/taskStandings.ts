import { taskAbi } from "../protocol/abi.ts";
import { type Hex, type ResponseAddress, type TaskAddress, type UnixSeconds, unixSeconds } from "../protocol/brand.ts";
import { type Read, read, readAll } from "./contractReads.ts";
import type { HttpRpc } from "./jsonRpc.ts";
import { addressesIn, pageSize, type Stretch, stretchBy } from "./pages.ts";
import { latest } from "./wire.ts";

/** A task as the sweep sees it: enough to tell whether there is anything to look at. */
export type TaskStanding = {
  readonly status: number;
  readonly expiryTime: UnixSeconds;
  /** In the order in which the providers attempted; zero addresses left out. */
  readonly responses: readonly ResponseAddress[];
};

/**
 * How several tasks stand, in two batched requests; `undefined` for each that the node does not have. Only a task with
 * more responses than a page holds costs requests of its own.
 */
export async function taskStandings(
  rpc: HttpRpc,
  tasks: readonly TaskAddress[],
): Promise<readonly (TaskStanding | undefined)[]> {
  const [statuses, expiries, attempts] = await readEach(rpc, tasks, [
    (task) => read<number>(taskAbi, task, "getStatus", [], latest),
    (task) => read<bigint>(taskAbi, task, "getExpiryTime", [], latest),
    (task) => read<bigint>(taskAbi, task, "getAttemptCount", [], latest),
  ]);
  const attempted = tasks.flatMap((task, at) => {
    const count = Number(attempts?.[at] ?? 0n);
    return count === 0 ? [] : [{ task, count }];
  });
  const few = attempted.filter(({ count }) => count <= pageSize);
  const pages = await readAll(
    rpc,
    few.map(({ task, count }) => read<readonly string[]>(taskAbi, task, "getResponsesOf", [0n, BigInt(count)], latest)),
  );
  const responses = new Map(few.map(({ task }, at) => [task, addressesIn<ResponseAddress>(pages[at] ?? [])]));
  for (const { task, count } of attempted) {
    if (count > pageSize) responses.set(task, (await responsesOf(rpc, task, count)).found);
  }
  return tasks.map((task, at) => {
    const [status, expiry] = [statuses?.[at], expiries?.[at]];
    if (status === undefined || expiry === undefined) return undefined;
    return {
      status: Number(status),
      expiryTime: unixSeconds(BigInt(expiry)),
      responses: responses.get(task) ?? [],
    };
  });
}

/**
 * Every response of a task in a block, by as many requests as it takes.
 * @returns `next`: how many attempts were read; less than `count` where the node does not have them all.
 */
export async function responsesOf(
  rpc: HttpRpc,
  task: TaskAddress,
  count: number,
  block: Hex = latest,
): Promise<Omit<Stretch<ResponseAddress>, "more">> {
  const found: ResponseAddress[] = [];
  let next = 0;
  for (let more = true; more; ) {
    const stretch = await stretchBy<ResponseAddress>(rpc, next, count, (page) =>
      read(taskAbi, task, "getResponsesOf", page, block),
    );
    found.push(...stretch.found);
    [next, more] = [stretch.next, stretch.more];
  }
  return { found, next };
}

/** Several reads of each item, in one request; the answers by read, then by item. */
async function readEach<T>(
  rpc: HttpRpc,
  items: readonly T[],
  reads: readonly ((item: T) => Read<number | bigint | undefined>)[],
): Promise<readonly (readonly (number | bigint | undefined)[])[]> {
  const answers = await readAll(
    rpc,
    reads.flatMap((make) => items.map(make)),
  );
  return reads.map((_, at) => answers.slice(at * items.length, (at + 1) * items.length));
}
