import { createPublicKey } from "node:crypto";
import { secp256k1 } from "@noble/curves/secp256k1";
import { ConfigError, FatalError } from "../errors.ts";
import type { AccountAddress } from "../protocol/brand.ts";
import { accountCheck } from "./accountCheck.ts";
import { addressOf } from "./addressOf.ts";
import { checkSigned } from "./checkSigned.ts";
import { javascriptCurve } from "./javascriptCurve.ts";
import { type BareSignature, knownCheck, lowS, type SignatureCheck } from "./signature.ts";
import type { Signer } from "./signerPort.ts";
import { signingDigest, transactionBytes } from "./transactionBytes.ts";

export type DigestSignerOptions = {
  /** Signs 32 bytes as they are, without hashing them again; answers DER, or r and s. Either s will do. */
  readonly signDigest: (digest: Uint8Array) => Promise<Uint8Array | { readonly r: bigint; readonly s: bigint }>;
  /** @default in this thread */
  readonly isOurs?: SignatureCheck;
} & (
  | { readonly address: AccountAddress }
  /** SEC1 (33 or 65 bytes), or an X.509 SubjectPublicKeyInfo in DER, as key services give it. */
  | { readonly publicKey: Uint8Array }
);

/**
 * A signer around anything that signs digests: a cloud's key service, a hardware module.
 *
 * Such services give DER, either of the two values of s, and no recovery bit; this makes a transaction of it.
 *
 * @throws ConfigError `KEY_INVALID` if the public key is not one of secp256k1.
 * @example
 * ```ts
 * const { PublicKey } = await kms.send(new GetPublicKeyCommand({ KeyId }));
 * const signer = createDigestSigner({
 *   publicKey: PublicKey,
 *   signDigest: async (Message) => {
 *     const command = { KeyId, Message, MessageType: "DIGEST", SigningAlgorithm: "ECDSA_SHA_256" } as const;
 *     return (await kms.send(new SignCommand(command))).Signature;
 *   },
 * });
 * ```
 */
export function createDigestSigner({ signDigest, isOurs, ...account }: DigestSignerOptions): Signer {
  const publicKey = "publicKey" in account ? uncompressed(account.publicKey) : undefined;
  const address = "address" in account ? account.address : addressOf(publicKey ?? new Uint8Array());
  const check = isOurs ?? (publicKey ? javascriptCurve.checkFor(publicKey) : accountCheck(javascriptCurve, address));
  return {
    address,
    sign: async (transaction) => {
      const digest = signingDigest(transaction);
      const { r, s } = readSignature(await signDigest(digest.slice()));
      const signature = { r, s: lowS(s) };
      const yParity = await check(digest, signature);
      if (yParity === undefined) throw foreign(address);
      const isOurs = knownCheck(digest, signature, yParity);
      return checkSigned(transactionBytes(transaction, { ...signature, yParity }), transaction, isOurs);
    },
  };
}

const foreign = (address: AccountAddress): FatalError =>
  new FatalError(`the signed transaction differs from the one asked for in: signer (not ${address})`, {
    code: "SIGNED_BYTES_DIFFER",
    remedy: "nothing was sent; the service signs with another key, or hashes the digest before it signs",
  });

function readSignature(given: Uint8Array | BareSignature): BareSignature {
  if (!(given instanceof Uint8Array)) return given;
  try {
    return secp256k1.Signature.fromDER(given);
  } catch {
    throw new FatalError("the signing service answered something that is no DER signature", {
      code: "SIGNED_BYTES_DIFFER",
      remedy: "nothing was sent; the key must be one of secp256k1 that signs digests",
    });
  }
}

function uncompressed(publicKey: Uint8Array): Uint8Array {
  try {
    const point = publicKey.length > 65 ? pointOf(publicKey) : publicKey;
    return secp256k1.ProjectivePoint.fromHex(point).toRawBytes(false);
  } catch {
    throw new ConfigError("the public key is not one of the curve secp256k1", {
      code: "KEY_INVALID",
      remedy: "make a key of the kind ECC_SECG_P256K1 (secp256k1) for signing",
    });
  }
}

function pointOf(spki: Uint8Array): Uint8Array {
  const {
    crv,
    x = "",
    y = "",
  } = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" }).export({
    format: "jwk",
  });
  if (crv !== "secp256k1") throw new TypeError("another curve");
  return Buffer.concat([Buffer.of(4), Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]);
}
