import { type AccountAddress, type Hex, type Wei, wei } from "../protocol/brand.ts";
import { type HttpRpc, resultOf } from "./jsonRpc.ts";

/** Gas units of a confirmation, generously. */
const usualGas = 190_000n;

/** What an account holds, and for how many confirmations that pays at the node's price of gas now. */
export async function readFunds(
  rpc: HttpRpc,
  account: AccountAddress,
): Promise<{ readonly balance: Wei; readonly confirmations: number }> {
  const [balance, gasPrice] = (
    await rpc.batch([
      { method: "eth_getBalance", params: [account, "latest"] },
      { method: "eth_gasPrice", params: [] },
    ])
  ).map((answer) => BigInt(resultOf(answer) as Hex));
  const each = usualGas * (gasPrice ?? 0n);
  const held = balance ?? 0n;
  return { balance: wei(held), confirmations: each === 0n ? Number.POSITIVE_INFINITY : Number(held / each) };
}

/** The same for the account whose money ends first. */
export async function leastFunds(rpc: HttpRpc, accounts: readonly AccountAddress[]): ReturnType<typeof readFunds> {
  const all = await Promise.all(accounts.map((account) => readFunds(rpc, account)));
  return all.reduce((least, each) => (each.confirmations < least.confirmations ? each : least));
}
