import type { TransactionSerialized } from "viem";
import { type AccountAddress, type Hex, toAddress } from "../protocol/brand.ts";

/**
 * The account that signed these bytes.
 *
 * Loads the whole of viem when it is first called: it is seldom needed, and takes a good part of the daemon's memory.
 */
export async function recoverSigner(raw: Hex): Promise<AccountAddress> {
  const { recoverTransactionAddress } = await import("viem");
  return toAddress(await recoverTransactionAddress({ serializedTransaction: raw as TransactionSerialized }));
}
