import type { TransactionSerialized } from "viem";
import type { Confirmation } from "../journal/journal.ts";
import { type AccountAddress, toAddress } from "../protocol/brand.ts";

/** The key that signed a confirmation's newest attempt; read from its bytes where the journal does not say. */
export async function signerOf({ attempts }: Confirmation): Promise<AccountAddress | undefined> {
  const newest = attempts.at(-1);
  if (newest === undefined || newest.signer !== undefined) return newest?.signer;
  // Seldom needed, and a good part of the memory that viem takes.
  const { recoverTransactionAddress } = await import("viem");
  return toAddress(await recoverTransactionAddress({ serializedTransaction: newest.raw as TransactionSerialized }));
}
