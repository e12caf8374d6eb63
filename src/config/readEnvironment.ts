import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "dotenv";
import type { Environment, ReadFile } from "./layer.ts";

export type EnvironmentSources = {
  readonly env: Environment;
  /** Where `.env` is looked for; without it none is read. */
  readonly cwd?: string | undefined;
  readonly readFile?: ReadFile | undefined;
};

/**
 * The environment, with a `.env` file below it in development (`NODE_ENV` is not `production`): a variable that is set
 * wins over the file.
 * @returns the variables, and which of them came from the file.
 */
export function readEnvironment({ env, cwd, readFile }: EnvironmentSources): {
  readonly env: Environment;
  readonly dotenvKeys: ReadonlySet<string>;
} {
  const text = cwd === undefined || env.NODE_ENV === "production" ? undefined : readDotenv(join(cwd, ".env"), readFile);
  const file = text === undefined ? {} : parse(text);
  const dotenvKeys = new Set(Object.keys(file).filter((key) => env[key] === undefined));
  return { env: { ...file, ...env }, dotenvKeys };
}

function readDotenv(path: string, readFile: ReadFile | undefined): string | undefined {
  if (!readFile) return existsSync(path) ? readFileSync(path, "utf8") : undefined;
  try {
    return readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
