import { keccak256, parseTransaction, recoverTransactionAddress, type TransactionSerialized } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { FatalError } from "../errors.ts";
import { type Hash, type Hex, toAddress } from "../protocol/brand.ts";
import type { Signer, UnsignedTransaction } from "./signerPort.ts";

/**
 * Signs with a key held in memory.
 * The signed bytes are read back and compared with what was asked, before anybody can broadcast them.
 * @param privateKey 32 bytes of hex with `0x`.
 */
export function privateKeySigner(privateKey: Hex): Signer {
  const account = privateKeyToAccount(privateKey);
  const { address } = account;
  return {
    address: toAddress(address),
    sign: async (transaction) => {
      const { chainId, to, data, nonce, gas, fees } = transaction;
      const raw = await account.signTransaction({ chainId, to, data, nonce, gas, value: 0n, ...fees });
      await checkSigned(raw, transaction, address);
      return { raw, hash: keccak256(raw) as Hash };
    },
  };
}

/**
 * Makes sure that signed bytes say what was asked, and were signed by the account.
 * @throws FatalError `SIGNED_BYTES_DIFFER`.
 */
export async function checkSigned(raw: Hex, asked: UnsignedTransaction, signer: Hex): Promise<void> {
  const signed = parseTransaction(raw);
  const { fees } = asked;
  const pairs: Record<string, readonly [unknown, unknown]> = {
    chainId: [signed.chainId, asked.chainId],
    to: [signed.to?.toLowerCase(), asked.to.toLowerCase()],
    data: [signed.data ?? "0x", asked.data.toLowerCase()],
    nonce: [signed.nonce ?? 0, asked.nonce],
    value: [signed.value ?? 0n, 0n],
    gas: [signed.gas, asked.gas],
    type: [signed.type, fees.type],
    ...(fees.type === "legacy"
      ? { gasPrice: [signed.gasPrice ?? 0n, fees.gasPrice] }
      : {
          maxFeePerGas: [signed.maxFeePerGas ?? 0n, fees.maxFeePerGas],
          maxPriorityFeePerGas: [signed.maxPriorityFeePerGas ?? 0n, fees.maxPriorityFeePerGas],
        }),
    signer: [await recoverTransactionAddress({ serializedTransaction: raw as TransactionSerialized }), signer],
  };
  const different = Object.keys(pairs).filter((field) => pairs[field]?.[0] !== pairs[field]?.[1]);
  if (different.length > 0)
    throw new FatalError(`the signed transaction differs from the one asked for in: ${different.join(", ")}`, {
      code: "SIGNED_BYTES_DIFFER",
      remedy: "nothing was sent; report this as a defect, with the transaction's fields",
    });
}
