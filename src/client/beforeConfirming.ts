import { firstValueFrom, timer } from "rxjs";
import { RetryableError } from "../errors.ts";
import type { AccountAddress } from "../protocol/brand.ts";
import type { ClientContext } from "./context.ts";
import { RefusedError } from "./errors.ts";
import type { Lane } from "./lane/createLane.ts";
import { describeCall } from "./nonce/describeCall.ts";
import { poolTransactions } from "./nonce/poolTransactions.ts";
import { readResponses } from "./reads.ts";
import { isSame, type Judged } from "./requireSame.ts";
import type { Address, Response } from "./types.ts";

/** A response that was just submitted takes a moment to reach every endpoint. */
const mostLooks = 6;

/**
 * What is paid, to whom and for what, is the word of two endpoints, where there are two that answer: the chain pays what stands in the
 * response, whatever one of them says of it.
 * @throws RetryableError `ENDPOINTS_DISAGREE` if they go on to tell different things of it.
 */
export async function requireSameElsewhere(context: ClientContext, address: Address, expected: Judged): Promise<void> {
  const { elsewhere, clock, pollIntervalMs } = context;
  for (let look = 1; ; look++) {
    let found: Response | undefined;
    try {
      [found] = await readResponses({ ...context, rpc: elsewhere }, [address]);
    } catch {
      return;
    }
    if (found && isSame(expected, found)) return;
    if (look === mostLooks) {
      const told = found ? "tells something else of it" : "has no such response";
      throw new RetryableError(
        `one endpoint has read the response ${address}, and another one ${told}: nothing was signed`,
        {
          code: "ENDPOINTS_DISAGREE",
          remedy: "try again later: one of them lags, or lies; leave out the one that is wrong",
        },
      );
    }
    await firstValueFrom(timer(pollIntervalMs, clock.scheduler));
  }
}

/**
 * Another process with the same key may have sent a confirmation of the task: the node's pool tells, where the node lets it be read.
 * @throws RefusedError `ALREADY_SENT`.
 */
export async function requireNotSent(
  context: ClientContext,
  lane: Lane,
  { response, task }: { readonly response: Address; readonly task: Address },
): Promise<void> {
  const { rpc, chain, contracts } = context;
  const account = lane.address.toLowerCase() as AccountAddress;
  const isOwn = (nonce: number, hash: string) => lane.holder(nonce)?.attempts.some((each) => each.hash === hash);
  const waiting = (await poolTransactions(rpc, account)) ?? [];
  const confirming = waiting.flatMap((each) => {
    const named = describeCall(each, contracts).response;
    return named && !isOwn(each.nonce, each.hash) ? [{ ...each, response: named }] : [];
  });
  if (confirming.length === 0) return;
  const mined = await chain.minedNonce(account);
  const answers = await readResponses(
    context,
    confirming.map((each) => each.response),
  );
  const isOfTask = (index: number, named: string) =>
    named.toLowerCase() === response.toLowerCase() || answers[index]?.task === task;
  const same = confirming.find((each, index) => each.nonce >= mined && isOfTask(index, each.response));
  if (same === undefined) return;
  throw new RefusedError(
    `the confirmation of ${same.response} waits in the node already: nonce ${same.nonce}, ${same.hash}; the task ${task} is paid once`,
    {
      code: "ALREADY_SENT",
      remedy: "wait until it is mined; `nonce info` tells what holds it up",
    },
  );
}
