import { createDecipheriv, pbkdf2Sync, scryptSync, timingSafeEqual } from "node:crypto";
import { scrypt } from "@noble/hashes/scrypt";
import { keccak256 } from "viem/utils";
import { ConfigError } from "../errors.ts";
import type { Hex } from "../protocol/brand.ts";
import { addressOf } from "./addressOf.ts";
import { javascriptCurve } from "./javascriptCurve.ts";

/** 256 MiB, what the usual parameters (n = 2^18, r = 8) take. */
const maxMemory = 2 ** 28;
/** n·r·p; four times what the usual parameters take. */
const maxScryptWork = 2 ** 23;
const maxIterations = 10_000_000;

type Fields = Readonly<Record<string, unknown>>;

/**
 * Opens a Web3 keystore, version 3 (scrypt or PBKDF2, aes-128-ctr).
 *
 * Whatever the file says, it can cost no more than 256 MiB and a few seconds.
 *
 * @param text The file.
 * @param password Used as UTF-8.
 * @param from Where the file came from, for errors.
 * @returns the private key, lower-case hex with `0x`.
 * @throws ConfigError `KEYSTORE_INVALID` or `KEYSTORE_PASSWORD`; neither shows the password or anything decrypted.
 */
export function decryptKeystore(text: string, password: string, from: string): Hex {
  const file = readFields(text, from);
  const { crypto } = file;
  const encrypted = bytes(crypto.ciphertext, 32, "ciphertext", from);
  const iv = bytes(fields(crypto.cipherparams, "cipherparams", from).iv, 16, "iv", from);
  const mac = bytes(crypto.mac, 32, "mac", from);
  if (crypto.cipher !== "aes-128-ctr") throw invalid(from, "has another cipher than aes-128-ctr");

  const derived = deriveKey(crypto, password, from);
  const expected = Buffer.from(keccak256(Buffer.concat([derived.subarray(16, 32), encrypted]), "bytes"));
  if (!timingSafeEqual(expected, mac))
    throw new ConfigError(`the keystore ${from} does not open with the password given`, {
      code: "KEYSTORE_PASSWORD",
      remedy:
        "correct signer.passwordFile (or the credential keystore-password); one line break at its end is left out",
    });
  const decipher = createDecipheriv("aes-128-ctr", derived.subarray(0, 16), iv);
  const privateKey = Buffer.concat([decipher.update(encrypted), decipher.final()]);
  const address = addressOfKey(privateKey, from);
  if (file.address !== undefined && address !== file.address)
    throw invalid(from, "holds the key of another address than it names");
  return `0x${privateKey.toString("hex")}`;
}

/** A file of this kind, rather than a bare key. */
export const isKeystore = (text: string): boolean => text.trimStart().startsWith("{");

const invalid = (from: string, problem: string): ConfigError =>
  new ConfigError(`the keystore ${from} ${problem}`, {
    code: "KEYSTORE_INVALID",
    remedy: "it must be a Web3 keystore of version 3, as geth, clef and cast write it",
  });

function readFields(text: string, from: string): { readonly crypto: Fields; readonly address: string | undefined } {
  let parsed: unknown;
  try {
    if (text.length <= 65_536) parsed = JSON.parse(text);
  } catch {
    throw invalid(from, "is not JSON");
  }
  const file = fields(parsed, "file", from);
  if (file.version !== 3) throw invalid(from, "is not of version 3");
  const { address } = file;
  const digits = typeof address === "string" ? /^(?:0x)?([0-9a-f]{40})$/i.exec(address)?.[1] : undefined;
  // Some wallets write it as "Crypto".
  return { crypto: fields(file.crypto ?? file.Crypto, "crypto", from), address: digits?.toLowerCase() };
}

function deriveKey(crypto: Fields, password: string, from: string): Buffer {
  const params = fields(crypto.kdfparams, "kdfparams", from);
  if (params.dklen !== 32) throw invalid(from, "has a dklen other than 32");
  const salt = Buffer.from(hexText(params.salt, "salt", from), "hex");
  if (crypto.kdf === "scrypt") {
    const [n, r, p] = [whole(params.n, "n", from), whole(params.r, "r", from), whole(params.p, "p", from)];
    if (n < 2 || !Number.isInteger(Math.log2(n))) throw invalid(from, "has an n that is no power of two");
    if (128 * n * r > maxMemory || n * r * p > maxScryptWork) throw invalid(from, "asks for too much work to open");
    // RFC 7914 wants n < 2^16r, and OpenSSL insists; the definition's own example, and what was made like it, does not obey.
    if (Math.log2(n) >= 16 * r) return Buffer.from(scrypt(password, salt, { N: n, r, p, dkLen: 32 }));
    return scryptSync(password, salt, 32, { N: n, r, p, maxmem: 128 * r * (n + p + 2) });
  }
  if (crypto.kdf === "pbkdf2") {
    if (params.prf !== "hmac-sha256") throw invalid(from, "has another prf than hmac-sha256");
    const iterations = whole(params.c, "c", from);
    if (iterations > maxIterations) throw invalid(from, "asks for too much work to open");
    return pbkdf2Sync(password, salt, iterations, 32, "sha256");
  }
  throw invalid(from, "has another kdf than scrypt or pbkdf2");
}

function addressOfKey(privateKey: Uint8Array, from: string): string {
  try {
    return addressOf(javascriptCurve.publicKey(privateKey)).slice(2);
  } catch {
    throw invalid(from, "holds no valid key of this curve");
  }
}

function fields(value: unknown, name: string, from: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid(from, `has no proper ${name}`);
  return value as Fields;
}

function hexText(value: unknown, name: string, from: string): string {
  if (typeof value !== "string" || !/^([0-9a-f]{2}){1,256}$/i.test(value)) throw invalid(from, `has no proper ${name}`);
  return value;
}

function bytes(value: unknown, length: number, name: string, from: string): Buffer {
  const read = Buffer.from(hexText(value, name, from), "hex");
  if (read.length !== length) throw invalid(from, `has no proper ${name}`);
  return read;
}

function whole(value: unknown, name: string, from: string): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 1)
    throw invalid(from, `has no proper ${name}`);
  return value;
}
