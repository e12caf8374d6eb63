import { type Hex, keccak256, toHex } from "viem";
import { type PrivateKeyAccount, privateKeyToAccount } from "viem/accounts";

/** An account whose key is public knowledge: never use it outside of a devnet. */
export type DevnetAccount = PrivateKeyAccount & { readonly privateKey: Hex };

export type DevnetAccounts = {
  /** Owner of the contracts and admin of the roles. */
  readonly owner: DevnetAccount;
  readonly client: DevnetAccount;
  /** Authorised by the client; holds gas and no escrow. */
  readonly agent: DevnetAccount;
  /** Authorised by nobody. */
  readonly stranger: DevnetAccount;
  readonly providers: readonly DevnetAccount[];
};

/** The account of a role: the same label always gives the same key. */
export function devnetAccount(label: string): DevnetAccount {
  const privateKey = keccak256(toHex(`ogpu-devnet/${label}`));
  return { ...privateKeyToAccount(privateKey), privateKey };
}

/** @param providers how many provider accounts. */
export const devnetAccounts = (providers: number): DevnetAccounts => ({
  owner: devnetAccount("owner"),
  client: devnetAccount("client"),
  agent: devnetAccount("agent"),
  stranger: devnetAccount("stranger"),
  providers: Array.from({ length: providers }, (_, index) => devnetAccount(`provider/${index}`)),
});
