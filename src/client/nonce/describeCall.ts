import { decodeFunctionData, formatEther } from "viem";
import { controllerAbi, nexusAbi, terminalAbi, vaultAbi } from "../../protocol/abi.ts";
import { checksummed } from "../../protocol/brand.ts";
import type { Deployment } from "../../protocol/chains.ts";
import type { PoolTransaction } from "./poolTransactions.ts";

const abis = { controller: controllerAbi, nexus: nexusAbi, terminal: terminalAbi, vault: vaultAbi } as const;

/** What a transaction does, for people. @param response Set for a confirmation. */
export type CallDescription = { readonly what: string; readonly response?: `0x${string}` };

/** Reads what a transaction calls, as far as it calls the network's contracts. */
export function describeCall(
  { to, data, value }: Pick<PoolTransaction, "to" | "data" | "value">,
  contracts: Deployment,
): CallDescription {
  if (to === undefined) return { what: "the creation of a contract" };
  const name = (Object.keys(abis) as (keyof typeof abis)[]).find((each) => same(contracts[each], to));
  if (name === undefined) {
    const amount = value > 0n ? `${formatEther(value)} OGPU` : "nothing";
    return { what: data === "0x" ? `a transfer of ${amount} to ${checksummed(to)}` : `a call of ${checksummed(to)}` };
  }
  try {
    const { functionName, args } = decodeFunctionData({ abi: abis[name], data });
    const [first] = (args ?? []) as readonly unknown[];
    const object = typeof first === "string" ? `(${first})` : "";
    const what = `${name[0]?.toUpperCase()}${name.slice(1)}.${functionName}${object}`;
    return functionName === "confirmResponse" && typeof first === "string"
      ? { what, response: first as `0x${string}` }
      : { what };
  } catch {
    return { what: `a call of the ${name}` };
  }
}

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
