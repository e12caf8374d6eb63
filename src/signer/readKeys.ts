import { join } from "node:path";
import { type EnvironmentSources, readEnvironment } from "../config/readEnvironment.ts";
import type { Config } from "../config/schema.ts";
import { ConfigError } from "../errors.ts";
import type { Hex } from "../protocol/brand.ts";
import { decryptKeystore, isKeystore } from "./decryptKeystore.ts";
import { javascriptCurve } from "./javascriptCurve.ts";
import { type Origins, requireRole } from "./keyRole.ts";
import {
  requireText,
  type SecretFiles,
  type SecretFilesOptions,
  secretFiles,
  withoutLastBreak,
} from "./secretFiles.ts";

export type PrivateKey = {
  /** Lower-case hex with `0x`. Register it with the logger's `secrets` before anything else. */
  readonly privateKey: Hex;
  /** Where it came from, for people. */
  readonly from: string;
};

type Keys = {
  readonly keys: readonly PrivateKey[];
  /** More that no log may show. */
  readonly secrets: readonly string[];
  readonly warnings: readonly string[];
};

type KeySettings = Pick<Config["signer"], "keyFile" | "keys" | "passwordFile" | "role">;

export type ReadKeysOptions = EnvironmentSources &
  SecretFilesOptions & { readonly config: { readonly signer: KeySettings }; readonly origins: Origins };

/**
 * Finds the signing keys: `signer.keyFile` and `signer.keys`, else the key of `signer.role` among systemd's credentials,
 * else in the environment; else, where nobody wrote the role, the other one's in the same order. A file holds a key, or a
 * Web3 keystore.
 *
 * @throws ConfigError `KEY_MISSING` where a role is asked for and another key is given, `KEY_INVALID`, `KEY_UNREADABLE`, `KEYSTORE_INVALID` or `KEYSTORE_PASSWORD`; none ever holds a key.
 */
export function readKeys(options: ReadKeysOptions): Keys {
  const { origins, config } = options;
  const { signer } = config;
  const files = secretFiles(options);
  const { env } = readEnvironment(options);
  const password = passwordReader(files, signer.passwordFile, env.CREDENTIALS_DIRECTORY);
  const fromFile = (path: string, text: string): PrivateKey => ({
    privateKey: isKeystore(text) ? decryptKeystore(text, password.read(path), path) : parseKey(text, path),
    from: path,
  });
  const found = (keys: readonly PrivateKey[], warnings: readonly string[] = []): Keys => {
    refuseDoubles(keys);
    return { keys, secrets: password.used(), warnings: [...warnings, ...password.warnings()] };
  };

  const named = [...(signer.keyFile === undefined ? [] : [signer.keyFile]), ...signer.keys];
  if (named.length > 0) {
    const texts = named.map((path) => [path, requireText(files, path, "key file", keyOf(signer, path))] as const);
    const open = texts.flatMap(([path, text]) => (isKeystore(text) ? [] : files.modeWarnings(path, "key file")));
    return found(
      texts.map(([path, text]) => fromFile(path, text)),
      open,
    );
  }
  const roles = signer.role === "agent" ? (["agent", "client"] as const) : (["client", "agent"] as const);
  for (const role of roles) {
    const path = env.CREDENTIALS_DIRECTORY && join(env.CREDENTIALS_DIRECTORY, `${role}-key`);
    const credential = path ? files.read(path) : undefined;
    if (path && credential !== undefined) {
      requireRole(role, path, signer, origins);
      return found([fromFile(path, credential)]);
    }
    const variable = `${role.toUpperCase()}_PRIVATE_KEY`;
    const text = env[variable];
    const from = `environment ${variable}`;
    if (text) {
      requireRole(role, from, signer, origins);
      return found([{ privateKey: parseKey(text, from), from }]);
    }
  }
  return found([]);
}

const keyOf = ({ keyFile }: KeySettings, path: string) => (path === keyFile ? "signer.keyFile" : "signer.keys");

/** Reads the password once, and only if a keystore asks for it. */
function passwordReader(files: SecretFiles, file: string | undefined, credentials: string | undefined) {
  let password: string | undefined;
  const find = (): string | undefined => {
    if (file !== undefined) return requireText(files, file, "password file", "signer.passwordFile");
    return credentials ? files.read(join(credentials, "keystore-password")) : undefined;
  };
  return {
    read: (keystore: string): string => {
      if (password !== undefined) return password;
      const text = find();
      if (text === undefined)
        throw new ConfigError(`there is no password for the keystore ${keystore}`, {
          code: "KEYSTORE_PASSWORD",
          remedy: "write it to a file for signer.passwordFile, or give systemd the credential keystore-password",
        });
      password = withoutLastBreak(text);
      return password;
    },
    used: () => (password ? [password] : []),
    warnings: () => (password !== undefined && file !== undefined ? files.modeWarnings(file, "password file") : []),
  };
}

function refuseDoubles(keys: readonly PrivateKey[]): void {
  for (const [index, { privateKey, from }] of keys.entries()) {
    const first = keys.findIndex((other) => other.privateKey === privateKey);
    if (first === index) continue;
    throw new ConfigError(`${keys[first]?.from} and ${from} hold the same key`, {
      code: "KEY_INVALID",
      remedy: "name each key once in signer.keyFile and signer.keys",
    });
  }
}

function parseKey(text: string, from: string): Hex {
  const digits = /^(?:0x)?([0-9a-f]{64})$/i.exec(text.trim())?.[1];
  const invalid = (problem: string) =>
    new ConfigError(`the private key from ${from} ${problem}`, {
      code: "KEY_INVALID",
      remedy: "it must be 32 bytes: 64 hex digits, with or without 0x, and nothing else",
    });
  if (digits === undefined) throw invalid("is malformed");
  const privateKey: Hex = `0x${digits.toLowerCase()}`;
  try {
    javascriptCurve.publicKey(Buffer.from(digits, "hex"));
  } catch {
    throw invalid("is no valid key of this curve");
  }
  return privateKey;
}
