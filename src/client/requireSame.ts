import { formatOgpu } from "../protocol/amounts.ts";
import type { AccountAddress, TaskAddress } from "../protocol/brand.ts";
import { wei } from "../protocol/brand.ts";
import { responseDigest } from "../protocol/responseDigest.ts";
import { RefusedError } from "./errors.ts";
import type { Response } from "./types.ts";

/** What a response says: its address alone does not name it. */
export type Judged = Pick<Response, "task" | "provider" | "payment" | "data">;

const digestOf = ({ task, provider, payment, data }: Judged): string =>
  responseDigest({
    task: task.toLowerCase() as TaskAddress,
    provider: provider.toLowerCase() as AccountAddress,
    payment: wei(payment),
    data,
  });

export const isSame = (one: Judged, other: Judged): boolean => digestOf(one) === digestOf(other);

/** @throws RefusedError `RESPONSE_CHANGED` if a reorg has put another response in the place of the one that was read. */
export function requireSame(address: string, expected: Judged, found: Judged): void {
  if (isSame(expected, found)) return;
  const { provider, payment, task } = found;
  throw new RefusedError(
    `the response ${address} is another one by now, of ${provider}, which asks ${formatOgpu(payment)} for the task ${task}`,
    { code: "RESPONSE_CHANGED", remedy: "read it anew, and confirm it if it is right: a reorg put it there" },
  );
}
