import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ConfigError, describeError } from "../../errors.ts";
import { makeFolder } from "../../makeFolder.ts";
import { type SecretFiles, secretFiles, withoutLastBreak } from "../../signer/secretFiles.ts";

export type PageToken = {
  /** `undefined`: nothing can be changed over HTTP. Register it with the logger's `secrets`. */
  readonly token: string | undefined;
  /** Where it is, for people. */
  readonly from: string | undefined;
  /** Writes a token that was made just now. @throws ConfigError `TOKEN_UNREADABLE`. */
  readonly save?: () => void;
  readonly warnings: readonly string[];
};

type PageTokenOptions = {
  /** `http.tokenFile`; `undefined`: nothing is to be changed over HTTP. */
  readonly tokenFile: string | undefined;
  /** Whether the operator named the file: then it is not made for him. */
  readonly isNamed: boolean;
  /** `$CREDENTIALS_DIRECTORY`: where systemd puts what `LoadCredential=` names. */
  readonly credentials?: string | undefined;
};

/** Whether the operator named the token's file. @param origins Where each key of the configuration came from. */
export const isTokenNamed = (origins: ReadonlyMap<string, string>): boolean =>
  !/^default$|STATE_DIRECTORY$/.test(origins.get("http.tokenFile") ?? "default");

const shortest = 16;

/**
 * The token that whoever changes something over HTTP must show: systemd's credential `http-token` where there is one,
 * else the file. For a file that nobody named and that is not there a token is made that nobody can guess; `save` writes it.
 *
 * @throws ConfigError `TOKEN_UNREADABLE` or `TOKEN_WEAK`; it never quotes the token.
 */
export function readPageToken(options: PageTokenOptions): PageToken {
  const { tokenFile, isNamed, credentials } = options;
  const files = secretFiles();
  if (!isNamed && credentials) {
    const path = join(credentials, "http-token");
    const text = files.read(path);
    if (text !== undefined) return { token: strong(text, path), from: path, warnings: [] };
  }
  if (tokenFile === undefined) return { token: undefined, from: undefined, warnings: [] };
  const found = readOrTell(files, tokenFile, isNamed);
  if (found.problem !== undefined)
    return {
      token: undefined,
      from: undefined,
      warnings: [`nothing can be changed on the operator's page: ${found.problem}`],
    };
  const { text } = found;
  if (text !== undefined) {
    const warnings = files.modeWarnings(tokenFile, "token file");
    return { token: strong(text, tokenFile), from: tokenFile, warnings };
  }
  if (isNamed)
    throw new ConfigError(`the token file ${tokenFile} does not exist`, {
      code: "TOKEN_UNREADABLE",
      remedy: `make it: (umask 077; openssl rand -hex 32 > ${tokenFile}); or correct http.tokenFile, or leave it out`,
    });
  const token = randomBytes(32).toString("base64url");
  return { token, from: tokenFile, warnings: [], save: () => make(tokenFile, token) };
}

/** A daemon that pays does not end because of a file that nobody named. */
function readOrTell(
  files: SecretFiles,
  path: string,
  isNamed: boolean,
): { text?: string | undefined; problem?: string } {
  try {
    return { text: files.read(path) };
  } catch (error) {
    if (isNamed) throw error;
    return { problem: describeError(error) };
  }
}

function make(path: string, token: string): void {
  try {
    makeFolder(dirname(path));
    writeFileSync(path, `${token}\n`, { mode: 0o600, flag: "wx" });
  } catch (cause) {
    throw new ConfigError(`the token file ${path} cannot be made: ${(cause as Error).message}`, {
      code: "TOKEN_UNREADABLE",
      remedy: "let the daemon's user write there, or set http.tokenFile to another place",
      cause,
    });
  }
}

function strong(text: string, path: string): string {
  const token = withoutLastBreak(text).trim();
  if (token.length >= shortest && !/\s/.test(token)) return token;
  throw new ConfigError(`the token in ${path} has fewer than ${shortest} characters, or spaces in it`, {
    code: "TOKEN_WEAK",
    remedy: `make another: openssl rand -hex 32 > ${path}`,
  });
}

/** Compares in a time that tells nothing of where two tokens differ, nor of how long they are. */
export function isSameToken(given: string, expected: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
