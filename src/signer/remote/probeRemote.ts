import { ConfigError, RetryableError } from "../../errors.ts";
import { type AccountAddress, checksummed } from "../../protocol/brand.ts";
import { createSignerRpc, type SignerRpcOptions } from "./signerRpc.ts";

/**
 * Asks the remote signer for its accounts, and signs nothing.
 * @returns a warning where it does not tell them, as clef may not.
 * @throws ConfigError `SIGNER_ACCOUNT_UNKNOWN`; RetryableError `SIGNER_UNREACHABLE`.
 */
export async function probeRemote(
  options: SignerRpcOptions,
  addresses: readonly AccountAddress[],
): Promise<readonly string[]> {
  const rpc = createSignerRpc(options);
  try {
    const answer = await rpc.call("eth_accounts", []);
    const accounts = Array.isArray(answer) ? answer.map((account) => String(account).toLowerCase()) : [];
    const unknown = addresses.filter((address) => !accounts.includes(address));
    if (unknown.length === 0) return [];
    throw new ConfigError(`the remote signer ${rpc.name} has no key for ${unknown.map(checksummed).join(", ")}`, {
      code: "SIGNER_ACCOUNT_UNKNOWN",
      remedy: "correct signer.remoteAddresses, or give it the key",
    });
  } catch (error) {
    if (!(error instanceof RetryableError) || error.code !== "SIGNER_REFUSED") throw error;
    return [`${error.message} (eth_accounts); whether it has the keys is seen at the first signature`];
  } finally {
    rpc.close();
  }
}
