import { readFileSync, type Stats, statSync } from "node:fs";
import { ConfigError } from "../errors.ts";

export type SecretFiles = {
  /** The text of a file; `undefined` if there is none. @throws ConfigError `KEY_UNREADABLE`. */
  readonly read: (path: string) => string | undefined;
  /** What is wrong with who may read it. @param what The secret, for people: "key file". */
  readonly modeWarnings: (path: string, what: string) => readonly string[];
};

export type SecretFilesOptions = {
  readonly readFile?: ((path: string) => string) | undefined;
  /** The permission bits of a file, and the number of its owner. */
  readonly fileStat?: ((path: string) => Pick<Stats, "mode" | "uid">) | undefined;
};

/** Reads files that hold secrets. Errors name the file, and never quote it. */
export function secretFiles(options: SecretFilesOptions = {}): SecretFiles {
  const { readFile = (path) => readFileSync(path, "utf8"), fileStat = (path) => statSync(path) } = options;
  return {
    read: (path) => {
      try {
        return withoutMark(readFile(path));
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === "ENOENT") return undefined;
        throw new ConfigError(`the file ${path} cannot be read (${code ?? "unknown error"})`, {
          code: "KEY_UNREADABLE",
          remedy: "let the daemon's user, and nobody else, read it",
        });
      }
    },
    modeWarnings: (path, what) => {
      const { mode, uid } = fileStat(path);
      // As libpq has it: what root owns a service may read by its group, which is all that a mounted secret leaves it.
      const isRoots = uid === 0;
      if ((mode & (isRoots ? 0o037 : 0o077)) === 0) return [];
      const remedy = isRoots
        ? `chmod 640 ${path}, and let its group be the daemon's (a mounted secret: mode 0440)`
        : `chmod 600 ${path}`;
      return [`the ${what} ${path} is open to other users (mode ${(mode & 0o777).toString(8)}): ${remedy}`];
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

/** Without the byte order mark that some editors put first: no key, password or token begins with it. */
const withoutMark = (text: string): string => text.replace(/^\uFEFF/, "");

/** Without the one line break that editors and `echo` put at the end. */
export const withoutLastBreak = (text: string): string => text.replace(/\r?\n$/, "");
