import type { ChainPort } from "../chain/chainPort.ts";
import type { AccountAddress, Wei } from "../protocol/brand.ts";
import { withMargin } from "./admit.ts";
import { feeCap } from "./fees.ts";

/** What an account holds, and for how many confirmations that pays the gas: for any number where gas is free. */
export type Funds = { readonly balance: Wei; readonly confirmations: number };

/** Gas units of a confirmation, until one was estimated. */
const usualGas = 150_000n;

/**
 * Reads what an account holds, and counts the confirmations that it pays for, each at the most that one signed now could cost.
 * Nobody else counts: what decides whether a key is given anything and what the operator is shown is the same figure.
 *
 * @param estimate Gas units that a confirmation takes, as a node has estimated it.
 * @throws RetryableError if the chain does not answer.
 */
export async function readFunds(
  chain: Pick<ChainPort, "balance" | "fees">,
  account: AccountAddress,
  estimate: bigint = usualGas,
): Promise<Funds> {
  const [balance, fees] = await Promise.all([chain.balance(account), chain.fees()]);
  const each = withMargin(estimate) * feeCap(fees);
  return { balance, confirmations: each === 0n ? Number.POSITIVE_INFINITY : Number(balance / each) };
}
