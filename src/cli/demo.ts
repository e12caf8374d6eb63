import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ConfigError } from "../errors.ts";
import type { Context } from "./context.ts";

/**
 * Plays the demo, which lives beside the sources: it brings a chain and a compiler, which an installed daemon has no use for.
 * @returns its exit code.
 * @throws ConfigError `DEMO_NOT_HERE` in an installed package.
 */
export async function demo({ runScript }: Context, args: readonly string[]): Promise<number> {
  const script = fileURLToPath(new URL("../../devnet/demo.ts", import.meta.url));
  if (runScript && existsSync(script)) return runScript(script, args);
  throw new ConfigError("the demo is not part of the installed package", {
    code: "DEMO_NOT_HERE",
    remedy: "fetch the sources, then: npm ci && npm run demo",
  });
}
