import { readFileSync, statSync } from "node:fs";
import { ConfigError } from "../errors.ts";

export type SecretFiles = {
  /** The text of a file; `undefined` if there is none. @throws ConfigError `KEY_UNREADABLE`. */
  readonly read: (path: string) => string | undefined;
  /** What is wrong with who may read it. */
  readonly modeWarnings: (path: string) => readonly string[];
};

export type SecretFilesOptions = {
  readonly readFile?: ((path: string) => string) | undefined;
  /** The permission bits of a file. */
  readonly fileMode?: ((path: string) => number) | undefined;
};

/** Reads files that hold secrets. Errors name the file, and never quote it. */
export function secretFiles(options: SecretFilesOptions = {}): SecretFiles {
  const { readFile = (path) => readFileSync(path, "utf8"), fileMode = (path) => statSync(path).mode } = options;
  return {
    read: (path) => {
      try {
        return readFile(path);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === "ENOENT") return undefined;
        throw new ConfigError(`the file ${path} cannot be read (${code ?? "unknown error"})`, {
          code: "KEY_UNREADABLE",
          remedy: "let the daemon's user, and nobody else, read it",
        });
      }
    },
    modeWarnings: (path) => {
      const mode = fileMode(path) & 0o777;
      if ((mode & 0o077) === 0) return [];
      return [`the key file ${path} is open to other users (mode ${mode.toString(8)}): chmod 600 ${path}`];
    },
  };
}

/** The text of a file that the configuration names. @throws ConfigError `KEY_UNREADABLE` if it is not there. */
export function requireText(files: SecretFiles, path: string, what: string, key: string): string {
  const text = files.read(path);
  if (text !== undefined) return text;
  throw new ConfigError(`the ${what} ${path} does not exist`, {
    code: "KEY_UNREADABLE",
    remedy: `correct ${key}, or put it there`,
  });
}

/** Without the one line break that editors and `echo` put at the end. */
export const withoutLastBreak = (text: string): string => text.replace(/\r?\n$/, "");
