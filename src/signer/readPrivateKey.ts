import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { privateKeyToAccount } from "viem/accounts";
import { type EnvironmentSources, readEnvironment } from "../config/readEnvironment.ts";
import type { Config } from "../config/schema.ts";
import { ConfigError } from "../errors.ts";
import type { Hex } from "../protocol/brand.ts";

export type PrivateKey = {
  /** Lower-case hex with `0x`. Register it with the logger's `secrets` before anything else. */
  readonly privateKey: Hex;
  /** Where it came from, for people. */
  readonly from: string;
  readonly warnings: readonly string[];
};

export type ReadKeyOptions = EnvironmentSources & {
  readonly config: { readonly signer: Config["signer"] };
  /** The permission bits of a file. */
  readonly fileMode?: (path: string) => number;
};

/**
 * Finds the signing key: `signer.keyFile`, else systemd's credential, else the environment. Within one of the last two,
 * `signer.role` wins where both keys are given.
 *
 * @returns `undefined` where there is no key at all.
 * @throws ConfigError `KEY_INVALID` or `KEY_UNREADABLE`; neither ever holds the key.
 */
export function readPrivateKey(options: ReadKeyOptions): PrivateKey | undefined {
  const { config, readFile = (path: string) => readFileSync(path, "utf8") } = options;
  const { env } = readEnvironment(options);
  const roles = config.signer.role === "agent" ? (["agent", "client"] as const) : (["client", "agent"] as const);

  const { keyFile } = config.signer;
  if (keyFile !== undefined) {
    const text = tryRead(keyFile, readFile);
    if (text === undefined)
      throw new ConfigError(`the key file ${keyFile} does not exist`, {
        code: "KEY_UNREADABLE",
        remedy: "correct signer.keyFile, or put the key there",
      });
    return { ...parseKey(text, keyFile), warnings: modeWarnings(keyFile, options.fileMode ?? modeOf) };
  }
  for (const role of env.CREDENTIALS_DIRECTORY ? roles : []) {
    const path = join(env.CREDENTIALS_DIRECTORY ?? "", `${role}-key`);
    const text = tryRead(path, readFile);
    if (text !== undefined) return { ...parseKey(text, path), warnings: [] };
  }
  for (const role of roles) {
    const variable = `${role.toUpperCase()}_PRIVATE_KEY`;
    const text = env[variable];
    if (text) return { ...parseKey(text, `environment ${variable}`), warnings: [] };
  }
  return undefined;
}

function tryRead(path: string, readFile: (path: string) => string): string | undefined {
  try {
    return readFile(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    throw new ConfigError(`the key file ${path} cannot be read (${code ?? "unknown error"})`, {
      code: "KEY_UNREADABLE",
      remedy: "let the daemon's user, and nobody else, read it",
    });
  }
}

function parseKey(text: string, from: string): { readonly privateKey: Hex; readonly from: string } {
  const digits = /^(?:0x)?([0-9a-f]{64})$/i.exec(text.trim())?.[1];
  const invalid = (problem: string) =>
    new ConfigError(`the private key from ${from} ${problem}`, {
      code: "KEY_INVALID",
      remedy: "it must be 32 bytes: 64 hex digits, with or without 0x, and nothing else",
    });
  if (digits === undefined) throw invalid("is malformed");
  const privateKey: Hex = `0x${digits.toLowerCase()}`;
  try {
    privateKeyToAccount(privateKey);
  } catch {
    throw invalid("is no valid key of this curve");
  }
  return { privateKey, from };
}

const modeOf = (path: string): number => statSync(path).mode;

function modeWarnings(path: string, fileMode: (path: string) => number): readonly string[] {
  const mode = fileMode(path) & 0o777;
  if ((mode & 0o077) === 0) return [];
  return [`the key file ${path} is open to other users (mode ${mode.toString(8)}): chmod 600 ${path}`];
}
