import { numberToHex } from "viem/utils";
import { RetryableError } from "../../errors.ts";
import type { AccountAddress, Hex } from "../../protocol/brand.ts";
import { accountCheck } from "../accountCheck.ts";
import { checkSigned } from "../checkSigned.ts";
import { javascriptCurve } from "../javascriptCurve.ts";
import type { SignatureCheck } from "../signature.ts";
import type { Signer, UnsignedTransaction } from "../signerPort.ts";
import type { SignerRpc } from "./signerRpc.ts";

type RemoteSignerOptions = {
  readonly rpc: SignerRpc;
  /** The account whose key the remote signer holds. */
  readonly address: AccountAddress;
  /** @default in this thread */
  readonly isOurs?: SignatureCheck;
};

/**
 * Has transactions signed by Web3Signer, clef, geth or anything else that speaks `eth_signTransaction`.
 * It is not trusted: what it signs must be what was asked, to the byte, and by the account.
 */
export function createRemoteSigner({ rpc, address, isOurs }: RemoteSignerOptions): Signer {
  const check = isOurs ?? accountCheck(javascriptCurve, address);
  return {
    address,
    sign: async (transaction) => {
      const result = await rpc.call("eth_signTransaction", [parameters(address, transaction)]);
      return checkSigned(rawOf(result, rpc.name), transaction, check);
    },
  };
}

/** clef takes the chain's id from here; Web3Signer has its own, and ignores this one. */
function parameters(from: AccountAddress, { chainId, to, data, nonce, gas, fees }: UnsignedTransaction) {
  return {
    from,
    to,
    data,
    value: "0x0",
    nonce: numberToHex(nonce),
    gas: numberToHex(gas),
    chainId: numberToHex(chainId),
    ...(fees.type === "legacy"
      ? { gasPrice: numberToHex(fees.gasPrice) }
      : {
          maxFeePerGas: numberToHex(fees.maxFeePerGas),
          maxPriorityFeePerGas: numberToHex(fees.maxPriorityFeePerGas),
        }),
  };
}

/** Web3Signer answers the bytes, clef and geth `{ raw, tx }`. */
function rawOf(result: unknown, name: string): Hex {
  const raw = typeof result === "object" && result !== null && "raw" in result ? result.raw : result;
  if (typeof raw === "string" && /^0x(?:[0-9a-f]{2})+$/i.test(raw)) return raw as Hex;
  throw new RetryableError(`the remote signer ${name} answered no transaction`, {
    code: "SIGNER_REFUSED",
    remedy: "it must answer eth_signTransaction with the raw bytes, or with { raw, tx }",
  });
}
