import type { TransactionSerializable } from "viem";
import { keccak256, numberToHex, parseTransaction, serializeTransaction } from "viem/utils";
import type { AccountAddress, Hex } from "../../protocol/brand.ts";
import { recoverSigner } from "../../signer/recoverSigner.ts";
import type { WireTransaction } from "./poolTransactions.ts";

/** What signed bytes call. */
export type SignedCall = {
  readonly to: Hex | undefined;
  readonly data: Hex;
  /** Wei. */
  readonly value: bigint;
  /** Gas units. */
  readonly gas: bigint;
};

/**
 * The bytes of a transaction as they were signed (legacy, EIP-2930 or EIP-1559), put together from what a node shows of it.
 * @returns `undefined` where that does not come to its hash: nothing shows then what was signed.
 */
export function signedBytes(wire: WireTransaction): Hex | undefined {
  try {
    const raw = serializeTransaction(fieldsOf(wire), signatureOf(wire));
    return keccak256(raw) === wire.hash.toLowerCase() ? raw : undefined;
  } catch {
    // A node may write anything.
    return undefined;
  }
}

/** What these bytes call, if this account has signed them for this chain and this nonce. */
export async function callSignedBy(
  account: AccountAddress,
  { raw, chainId, nonce }: { readonly raw: Hex | undefined; readonly chainId: number; readonly nonce: number },
): Promise<SignedCall | undefined> {
  if (raw === undefined) return undefined;
  try {
    const { to, data = "0x", value = 0n, gas = 0n, ...signed } = parseTransaction(raw);
    if (signed.chainId !== chainId || (signed.nonce ?? 0) !== nonce) return undefined;
    return (await recoverSigner(raw)) === account ? { to: to ?? undefined, data, value, gas } : undefined;
  } catch {
    // A signature can be one of nobody's.
    return undefined;
  }
}

function fieldsOf(wire: WireTransaction): TransactionSerializable {
  const call = {
    nonce: Number(wire.nonce),
    to: (wire.to?.toLowerCase() ?? null) as Hex | null,
    data: wire.input,
    value: BigInt(wire.value),
    gas: BigInt(wire.gas),
  };
  const chainId = Number(wire.chainId);
  const accessList = wire.accessList ?? [];
  const gasPrice = BigInt(wire.gasPrice ?? 0);
  switch (wire.type ?? (wire.maxFeePerGas === undefined ? "0x0" : "0x2")) {
    case "0x0":
      return { ...call, type: "legacy", gasPrice };
    case "0x1":
      return { ...call, type: "eip2930", chainId, gasPrice, accessList };
    case "0x2": {
      const maxFeePerGas = BigInt(wire.maxFeePerGas ?? 0);
      const maxPriorityFeePerGas = BigInt(wire.maxPriorityFeePerGas ?? 0);
      return { ...call, type: "eip1559", chainId, accessList, maxFeePerGas, maxPriorityFeePerGas };
    }
    default:
      throw new TypeError("a transaction of another type");
  }
}

/** Where there is no `yParity`, `v` is the parity, but for a legacy transaction. */
const signatureOf = ({ r, s, v, yParity }: WireTransaction) => ({
  r: numberToHex(BigInt(r ?? 0), { size: 32 }),
  s: numberToHex(BigInt(s ?? 0), { size: 32 }),
  v: BigInt(v ?? yParity ?? 0),
});
