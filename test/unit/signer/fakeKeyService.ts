import { createECDH, randomBytes } from "node:crypto";
import { curveOrder } from "../../../src/signer/signature.ts";

export type FakeKeyService = {
  /** X.509 SubjectPublicKeyInfo in DER, as key services give it. */
  readonly publicKey: Uint8Array;
  /** With a random nonce, and either of the two values of s. */
  readonly signRaw: (digest: Uint8Array) => { readonly r: bigint; readonly s: bigint };
  readonly signDer: (digest: Uint8Array) => Uint8Array;
};

const spkiHead = Buffer.from("3056301006072a8648ce3d020106052b8104000a034200", "hex");
const integer = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
const modulo = (value: bigint) => ((value % curveOrder) + curveOrder) % curveOrder;

function inverse(value: bigint): bigint {
  let [result, base] = [1n, value];
  for (let power = curveOrder - 2n; power > 0n; power >>= 1n) {
    if (power & 1n) result = (result * base) % curveOrder;
    base = (base * base) % curveOrder;
  }
  return result;
}

/** Keeps a key as a cloud's service does, on node:crypto: it shares no code with what it tests. */
export function createFakeKeyService(privateKey: Uint8Array): FakeKeyService {
  const account = createECDH("secp256k1");
  account.setPrivateKey(privateKey);
  const signRaw = (digest: Uint8Array) => {
    const nonce = createECDH("secp256k1");
    nonce.generateKeys();
    const r = modulo(integer(nonce.getPublicKey().subarray(1, 33)));
    const s = modulo(inverse(integer(nonce.getPrivateKey())) * (integer(digest) + r * integer(privateKey)));
    return { r, s: randomBytes(1).readUInt8() & 1 ? s : curveOrder - s };
  };
  return {
    publicKey: Buffer.concat([spkiHead, account.getPublicKey()]),
    signRaw,
    signDer: (digest) => {
      const { r, s } = signRaw(digest);
      const body = Buffer.concat([derInteger(r), derInteger(s)]);
      return Buffer.concat([Buffer.of(0x30, body.length), body]);
    },
  };
}

function derInteger(value: bigint): Buffer {
  const digits = value.toString(16);
  const bytes = Buffer.from(digits.padStart(digits.length + (digits.length % 2), "0"), "hex");
  const body = (bytes[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes;
  return Buffer.concat([Buffer.of(0x02, body.length), body]);
}
