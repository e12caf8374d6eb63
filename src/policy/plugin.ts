import { stripTypeScriptTypes } from "node:module";
import type { FactsJson } from "./factsJson.ts";
import type { PluginSource } from "./program.ts";

/** What a plug-in says of a response. `score` is for strategy `best`, `key` for `quorum`. */
export type PluginVerdict = {
  readonly verdict: "eligible" | "reject" | "hold";
  readonly reason?: string;
  readonly score?: number;
  readonly key?: string;
};

/** The default export of a plug-in file: curried, pure, synchronous. */
type Plugin = (options: unknown) => (facts: FactsJson) => PluginVerdict;

/**
 * Loads a plug-in out of its text. It is one self-contained file: it can import nothing of its own folder, so that its
 * digest says all that it does.
 *
 * @throws TypeError whose message says what is wrong, for the operator.
 */
export async function loadPlugin({ path, text, options }: PluginSource): Promise<ReturnType<Plugin>> {
  const code = path.endsWith(".ts") ? stripTypeScriptTypes(text, { mode: "strip" }) : text;
  let exported: unknown;
  try {
    exported = (await import(`data:text/javascript;base64,${Buffer.from(code).toString("base64")}`)).default;
  } catch (cause) {
    throw new TypeError(`the plug-in ${path} cannot be loaded: ${(cause as Error).message.slice(0, 200)}`, { cause });
  }
  if (typeof exported !== "function") throw new TypeError(`the plug-in ${path} has no function as its default export`);
  const judge: unknown = exported(options);
  if (typeof judge !== "function") throw new TypeError(`the plug-in ${path} is not (options) => (facts) => verdict`);
  return judge as ReturnType<Plugin>;
}
