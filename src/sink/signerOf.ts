import type { Confirmation } from "../journal/journal.ts";
import type { AccountAddress } from "../protocol/brand.ts";
import { recoverSigner } from "../signer/recoverSigner.ts";

/** The key that signed a confirmation's newest attempt; read from its bytes where the journal does not say. */
export async function signerOf({ attempts }: Confirmation): Promise<AccountAddress | undefined> {
  const newest = attempts.at(-1);
  if (newest === undefined || newest.signer !== undefined) return newest?.signer;
  return recoverSigner(newest.raw);
}
