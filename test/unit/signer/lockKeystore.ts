import { createCipheriv, scryptSync } from "node:crypto";
import { keccak256 } from "viem";

/** Locks a key as geth does, with little work. */
export function lock(key: string, password: string, changes: Record<string, unknown> = {}): string {
  const [salt, iv] = [Buffer.alloc(32, 1), Buffer.alloc(16, 2)];
  const derived = scryptSync(password, salt, 32, { N: 16, r: 8, p: 1 });
  const cipher = createCipheriv("aes-128-ctr", derived.subarray(0, 16), iv);
  const ciphertext = Buffer.concat([cipher.update(Buffer.from(key.slice(2), "hex")), cipher.final()]);
  const mac = keccak256(Buffer.concat([derived.subarray(16), ciphertext])).slice(2);
  const kdfparams = { dklen: 32, n: 16, r: 8, p: 1, salt: salt.toString("hex") };
  const cipherparams = { iv: iv.toString("hex") };
  const crypto = { cipher: "aes-128-ctr", cipherparams, ciphertext: ciphertext.toString("hex"), mac };
  return JSON.stringify({ version: 3, crypto: { ...crypto, kdf: "scrypt", kdfparams }, ...changes });
}
