import { keccak256, numberToHex, serializeTransaction } from "viem/utils";
import type { Hex } from "../protocol/brand.ts";
import type { Signature } from "./signature.ts";
import type { UnsignedTransaction } from "./signerPort.ts";

const fieldsOf = ({ chainId, to, data, nonce, gas, fees }: UnsignedTransaction) =>
  ({ chainId, to, data, nonce, gas, value: 0n, ...fees }) as const;

/** The 32 bytes that a key signs. */
export const signingDigest = (transaction: UnsignedTransaction): Uint8Array =>
  keccak256(serializeTransaction(fieldsOf(transaction)), "bytes");

/** The bytes that go to a node: the transaction with its signature. */
export function transactionBytes(transaction: UnsignedTransaction, { r, s, yParity }: Signature): Hex {
  return serializeTransaction(fieldsOf(transaction), {
    r: numberToHex(r, { size: 32 }),
    s: numberToHex(s, { size: 32 }),
    v: BigInt(27 + yParity),
    yParity,
  });
}
