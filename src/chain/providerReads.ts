import { terminalAbi, vaultAbi } from "../protocol/abi.ts";
import { type AccountAddress, type Hex, toAddress, wei } from "../protocol/brand.ts";
import type { Deployment } from "../protocol/chains.ts";
import type { ProviderStake } from "../protocol/entities.ts";
import { type Read, read } from "./contractReads.ts";

/** What the Vault and the Terminal say of a provider, at a block; `decode` answers `undefined` where one is silent. */
export function providerReads({ vault, terminal }: Deployment, provider: AccountAddress, block: Hex) {
  const reads: readonly Read<unknown>[] = [
    read<bigint>(vaultAbi, vault, "getLockupOf", [provider], block),
    read<boolean>(vaultAbi, vault, "isEligible", [provider], block),
    read<string>(terminalAbi, terminal, "getMasterOf", [provider], block),
  ];
  const decode = ([lockup, eligible, master]: readonly unknown[]): ProviderStake | undefined => {
    if (typeof lockup !== "bigint" || typeof eligible !== "boolean" || typeof master !== "string") return undefined;
    return { lockup: wei(lockup), eligible, master: toAddress<AccountAddress>(master) };
  };
  return { reads, decode };
}
