import type { TransactionSerializable } from "viem";
import { hexToBigInt, parseTransaction } from "viem/utils";
import { FatalError } from "../errors.ts";
import type { Hash, Hex } from "../protocol/brand.ts";
import { type Item, readList } from "./readList.ts";
import type { Signature, SignatureCheck } from "./signature.ts";
import type { SignedTransaction, UnsignedTransaction } from "./signerPort.ts";
import { hashOf, signingDigest, transactionBytes } from "./transactionBytes.ts";

/**
 * Makes sure that signed bytes say what was asked, to the byte, and were signed by the account.
 *
 * Fields that nobody asked for count as well: with the signature found in the bytes, the transaction that was asked for
 * must encode to the same bytes.
 *
 * @param raw What a signer gave; it may be anything.
 * @param isOurs Whether a signature is by the account.
 * @throws FatalError `SIGNED_BYTES_DIFFER`.
 */
export async function checkSigned(
  raw: Hex,
  asked: UnsignedTransaction,
  isOurs: SignatureCheck,
): Promise<SignedTransaction> {
  const signed = parse(raw);
  const signature = signed && signatureIn(signed, asked);
  if (!signed || !signature) throw different(["the whole: they are no signed transaction of this chain"]);
  const bytes = raw.toLowerCase() as Hex;
  if (transactionBytes(asked, signature) !== bytes) {
    const fields = differingFields(signed, asked);
    throw different(fields.length > 0 ? fields : ["their encoding"]);
  }
  const parity = await isOurs(signingDigest(asked), signature);
  if (parity !== signature.yParity) throw different(["signer"]);
  return { raw: bytes, hash: transactionHash(bytes) };
}

/**
 * The same for bytes that were put together here, around a signature that is known to be the account's: they are read back
 * item by item, as a node will, and compared. A general parser takes six times as long.
 * @throws FatalError `SIGNED_BYTES_DIFFER`.
 */
export function checkOwn(raw: Hex, asked: UnsignedTransaction, signature: Signature): SignedTransaction {
  const fields = fieldsOf(asked, signature);
  const type = asked.fees.type === "legacy" ? "" : "02";
  let wrong: readonly string[];
  try {
    if (!raw.startsWith(`0x${type}`)) throw new RangeError("another type");
    const items = readList(raw.slice(2 + type.length));
    if (items.length !== fields.length) throw new RangeError("other fields");
    wrong = fields.filter(([, value], index) => !says(items[index] as Item, value)).map(([field]) => field);
  } catch {
    throw different(["the whole: they are no signed transaction of this chain"]);
  }
  if (wrong.length > 0) throw different([...new Set(wrong)]);
  return { raw, hash: transactionHash(raw) };
}

/** `[]`: an empty list. */
type Value = bigint | Hex | readonly [];

/** What a signed transaction says, in the order in which it does (EIP-1559, EIP-155). */
function fieldsOf(
  { chainId, to, data, nonce, gas, fees }: UnsignedTransaction,
  { r, s, yParity }: Signature,
): readonly (readonly [string, Value])[] {
  const call = [
    ["gas", gas],
    ["to", to],
    ["value", 0n],
    ["data", data],
  ] as const;
  const own = [
    ["signature", r],
    ["signature", s],
  ] as const;
  if (fees.type === "legacy") {
    const v = 2n * BigInt(chainId) + 35n + BigInt(yParity);
    return [["nonce", BigInt(nonce)], ["gasPrice", fees.gasPrice], ...call, ["chainId", v], ...own];
  }
  return [
    ["chainId", BigInt(chainId)],
    ["nonce", BigInt(nonce)],
    ["maxPriorityFeePerGas", fees.maxPriorityFeePerGas],
    ["maxFeePerGas", fees.maxFeePerGas],
    ...call,
    ["accessList", []],
    ["signature", BigInt(yParity)],
    ...own,
  ];
}

function says({ isList, hex }: Item, value: Value): boolean {
  if (typeof value === "object") return isList && hex === "";
  if (isList) return false;
  if (typeof value === "string") return hex === value.slice(2).toLowerCase();
  // A number has no zeros in front; nothing is zero.
  return hex === "" ? value === 0n : !hex.startsWith("00") && BigInt(`0x${hex}`) === value;
}

const transactionHash = (raw: Hex): Hash => `0x${Buffer.from(hashOf(raw.slice(2))).toString("hex")}`;

export const different = (fields: readonly string[]): FatalError =>
  new FatalError(`the signed transaction differs from the one asked for in: ${fields.join(", ")}`, {
    code: "SIGNED_BYTES_DIFFER",
    remedy: "nothing was sent; find out what signed it, and report a defect if it was the daemon",
  });

function parse(raw: Hex): TransactionSerializable | undefined {
  try {
    return parseTransaction(raw) as TransactionSerializable;
  } catch {
    return undefined;
  }
}

function signatureIn({ r, s, v, yParity }: TransactionSerializable, asked: UnsignedTransaction): Signature | undefined {
  if (r === undefined || s === undefined) return undefined;
  const parity = yParity ?? (v === undefined ? undefined : Number(v - 35n - 2n * BigInt(asked.chainId)));
  // Of a legacy transaction for another chain the parity cannot be told: zero lets the comparison name the field.
  try {
    return { r: hexToBigInt(r), s: hexToBigInt(s), yParity: parity === 1 ? 1 : 0 };
  } catch {
    // Nothing, or a list, stands where a number should.
    return undefined;
  }
}

function differingFields(signed: TransactionSerializable, asked: UnsignedTransaction): readonly string[] {
  const { fees } = asked;
  const pairs: Record<string, readonly [unknown, unknown]> = {
    chainId: [signed.chainId, asked.chainId],
    to: [signed.to?.toLowerCase(), asked.to.toLowerCase()],
    data: [signed.data ?? "0x", asked.data.toLowerCase()],
    nonce: [signed.nonce ?? 0, asked.nonce],
    value: [signed.value ?? 0n, 0n],
    gas: [signed.gas, asked.gas],
    type: [signed.type, fees.type],
    accessList: [signed.accessList?.length ?? 0, 0],
    ...(fees.type === "legacy"
      ? { gasPrice: [signed.gasPrice ?? 0n, fees.gasPrice] }
      : {
          maxFeePerGas: [signed.maxFeePerGas ?? 0n, fees.maxFeePerGas],
          maxPriorityFeePerGas: [signed.maxPriorityFeePerGas ?? 0n, fees.maxPriorityFeePerGas],
        }),
  };
  return Object.keys(pairs).filter((field) => pairs[field]?.[0] !== pairs[field]?.[1]);
}
