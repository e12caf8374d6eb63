import { terminalAbi, vaultAbi } from "../protocol/abi.ts";
import { type AccountAddress, type Hex, toAddress, wei } from "../protocol/brand.ts";
import type { Deployment } from "../protocol/chains.ts";
import type { ProviderStake } from "../protocol/entities.ts";
import { type Read, read } from "./contractReads.ts";
import { revertReason } from "./revertReason.ts";

/** What is read of a call that reverts: the contract has no answer for this provider, whatever node is asked. */
const reverted = Symbol("reverted");

/**
 * What the Vault and the Terminal say of a provider, at a block. What a call reverts for is left out; `decode` answers `undefined`
 * where a contract is silent, as on a node that does not have the block.
 */
export function providerReads({ vault, terminal }: Deployment, provider: AccountAddress, block: Hex) {
  const reads: readonly Read<unknown>[] = [
    read<bigint>(vaultAbi, vault, "getLockupOf", [provider], block),
    read<boolean>(vaultAbi, vault, "isEligible", [provider], block),
    read<string>(terminalAbi, terminal, "getMasterOf", [provider], block),
  ].map(orReverted);
  const decode = (answers: readonly unknown[]): Partial<ProviderStake> | undefined => {
    if (answers.includes(undefined)) return undefined;
    const [lockup, eligible, master] = answers;
    return {
      ...(typeof lockup === "bigint" && { lockup: wei(lockup) }),
      ...(typeof eligible === "boolean" && { eligible }),
      ...(typeof master === "string" && { master: toAddress<AccountAddress>(master) }),
    };
  };
  return { reads, decode };
}

const orReverted = ({ call, decode }: Read<unknown>): Read<unknown> => ({
  call,
  decode: (answer) => ("error" in answer && revertReason(answer.error) !== undefined ? reverted : decode(answer)),
});
