import { describe, expect, it } from "vitest";
import { ConfigError } from "../../../src/errors.ts";
import { decryptKeystore, isKeystore } from "../../../src/signer/decryptKeystore.ts";
import { account, privateKey } from "./contract.ts";
import { lock } from "./lockKeystore.ts";

/** The test vectors of the Web3 secret storage definition. */
const pbkdf2 = {
  crypto: {
    cipher: "aes-128-ctr",
    cipherparams: { iv: "6087dab2f9fdbbfaddc31a909735c1e6" },
    ciphertext: "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
    kdf: "pbkdf2",
    kdfparams: {
      c: 262144,
      dklen: 32,
      prf: "hmac-sha256",
      salt: "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd",
    },
    mac: "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2",
  },
  id: "3198bc9c-6672-5ab3-d995-4942343ae5b6",
  version: 3,
};
const scrypt = {
  crypto: {
    cipher: "aes-128-ctr",
    cipherparams: { iv: "83dbcc02d8ccb40e466191a123791e0e" },
    ciphertext: "d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c",
    kdf: "scrypt",
    kdfparams: {
      dklen: 32,
      n: 262144,
      p: 8,
      r: 1,
      salt: "ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19",
    },
    mac: "2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097",
  },
  id: "3198bc9c-6672-5ab3-d995-4942343ae5b6",
  version: 3,
};
const secret = "0x7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";

function refusal(text: string, password = "testpassword"): ConfigError {
  try {
    decryptKeystore(text, password, "/keys/a.json");
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return error as ConfigError;
  }
  throw new Error("the keystore was opened");
}

const changed = (crypto: Record<string, unknown>) =>
  JSON.stringify({ ...scrypt, crypto: { ...scrypt.crypto, ...crypto } });

describe("decryptKeystore", () => {
  it.each([
    ["PBKDF2", pbkdf2],
    ["scrypt", scrypt],
  ])("opens the definition's own example: %s", (_, file) => {
    expect(decryptKeystore(JSON.stringify(file), "testpassword", "/keys/a.json")).toBe(secret);
  });

  it("opens one with an address, in any spelling, and one that says Crypto", () => {
    for (const address of [account.address, account.address.slice(2).toLowerCase()])
      expect(decryptKeystore(lock(privateKey, "Pässwort 1", { address }), "Pässwort 1", "a")).toBe(privateKey);
    const { crypto, ...rest } = JSON.parse(lock(privateKey, "p"));
    expect(decryptKeystore(JSON.stringify({ ...rest, Crypto: crypto }), "p", "a")).toBe(privateKey);
  });

  it("refuses a wrong password without showing it", () => {
    const error = refusal(JSON.stringify(pbkdf2), "wrong horse battery");
    expect(error.code).toBe("KEYSTORE_PASSWORD");
    expect(`${error.stack} ${error.remedy}`).not.toContain("horse");
  });

  it("refuses the key of another address than the file names", () => {
    const address = "0x2b0cc6058313801d5feb184a539e3a0c5a87a6a1";
    expect(refusal(lock(privateKey, "p", { address }), "p").message).toContain("another address");
  });

  it("refuses a key that the curve does not have, also where the file names no address, and shows none of it", () => {
    const error = refusal(lock(`0x${"f".repeat(64)}`, "p"), "p");
    expect(error).toMatchObject({ code: "KEYSTORE_INVALID", message: expect.stringContaining("no valid key") });
    expect(`${error.stack} ${error.remedy} ${error.cause}`).not.toMatch(/f{8}|11579208923/);
  });

  it.each([
    ["more memory than 256 MiB", { n: 2 ** 22, r: 8, p: 1 }],
    ["as much by a large r", { n: 2, r: 2 ** 25, p: 1 }],
    ["endless work", { n: 2 ** 18, r: 8, p: 1_000 }],
  ])("refuses a file that asks for %s, at once", (_, params) => {
    const before = performance.now();
    const error = refusal(changed({ kdfparams: { ...scrypt.crypto.kdfparams, ...params } }));
    expect(error.message).toBe("the keystore /keys/a.json asks for too much work to open");
    expect(performance.now() - before).toBeLessThan(2_000);
  });

  it("refuses endless iterations", () => {
    const kdfparams = { ...pbkdf2.crypto.kdfparams, c: 10 ** 12 };
    expect(refusal(changed({ kdf: "pbkdf2", kdfparams })).message).toContain("too much work");
  });

  it.each<[string, string]>([
    ["{", "is not JSON"],
    ["[]", "has no proper file"],
    [`{"a":"${"x".repeat(70_000)}"}`, "has no proper file"],
    [JSON.stringify({ ...scrypt, version: 1 }), "is not of version 3"],
    [JSON.stringify({ version: 3 }), "has no proper crypto"],
    [changed({ cipher: "aes-128-cbc" }), "has another cipher than aes-128-ctr"],
    [changed({ kdf: "argon2" }), "has another kdf than scrypt or pbkdf2"],
    [changed({ ciphertext: "00" }), "has no proper ciphertext"],
    [changed({ ciphertext: 5 }), "has no proper ciphertext"],
    [changed({ mac: "zz" }), "has no proper mac"],
    [changed({ cipherparams: null }), "has no proper cipherparams"],
    [changed({ kdfparams: { ...scrypt.crypto.kdfparams, dklen: 16 } }), "has a dklen other than 32"],
    [changed({ kdfparams: { ...scrypt.crypto.kdfparams, n: 3 } }), "has an n that is no power of two"],
    [changed({ kdfparams: { ...scrypt.crypto.kdfparams, p: 0 } }), "has no proper p"],
    [changed({ kdfparams: { ...scrypt.crypto.kdfparams, r: "8" } }), "has no proper r"],
    [changed({ kdf: "pbkdf2", kdfparams: { ...pbkdf2.crypto.kdfparams, prf: "md5" } }), "has another prf"],
  ])("refuses %.60s: it %s", (text, problem) => {
    expect(refusal(text)).toMatchObject({ code: "KEYSTORE_INVALID", message: expect.stringContaining(problem) });
  });

  it("tells a keystore from a bare key", () => {
    expect(isKeystore(` \n${JSON.stringify(scrypt)}`)).toBe(true);
    expect(isKeystore(secret)).toBe(false);
  });
});
