import type { HttpRpc } from "../../chain/jsonRpc.ts";
import { RetryableError } from "../../errors.ts";
import { InputError, RefusedError } from "../errors.ts";
import type { Transaction } from "./transaction.ts";

export type Refusal = RefusedError | InputError;

export const isRefusal = (error: unknown): error is Refusal =>
  error instanceof RefusedError || error instanceof InputError;

/**
 * Why the chain, as it is now, would refuse what is signed; `undefined`: it would not. What has it called off is the word of two
 * endpoints, where there are two: one that lags, or lies, would else end a call that can be mined.
 * @param elsewhere A second opinion.
 * @throws RetryableError `ENDPOINTS_DISAGREE`; what keeps one of them from telling.
 */
export async function refusedByNow(
  { what, check, key }: Pick<Transaction, "what" | "check" | "key">,
  elsewhere: HttpRpc,
): Promise<Refusal | undefined> {
  const refusal = await refusalBy(check);
  if (refusal === undefined) return undefined;
  try {
    if (await refusalBy(() => check(elsewhere))) return refusal;
  } catch (error) {
    // What has a key the contracts let be done once: an endpoint that is away need not hold it up.
    if (key !== undefined) return refusal;
    throw error;
  }
  throw new RetryableError(`one endpoint would refuse ${what} (${refusal.message}), and another one would take it`, {
    code: "ENDPOINTS_DISAGREE",
    remedy: "wait on: it may still be mined; leave out the endpoint that is wrong",
    cause: refusal,
  });
}

async function refusalBy(check: () => Promise<unknown>): Promise<Refusal | undefined> {
  try {
    await check();
    return undefined;
  } catch (error) {
    if (isRefusal(error)) return error;
    throw error;
  }
}
