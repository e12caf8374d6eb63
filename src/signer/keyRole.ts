import type { Config } from "../config/schema.ts";
import { ConfigError } from "../errors.ts";

/** Where each key of the configuration came from, as `loadConfig` tells it. */
export type Origins = ReadonlyMap<string, string>;

type Settings = Config["signer"];

/**
 * Whoever asks on the command line for a role, or for a file, beside a configuration that names a key of its own (the
 * daemon's, as a rule) means another key than that one: it must not sign.
 *
 * @throws ConfigError `KEY_MISSING`.
 */
export function requireMeantKey(
  { keyFile, keys, remoteUrl, role }: Pick<Settings, "keyFile" | "keys" | "remoteUrl" | "role">,
  origins: Origins,
): void {
  const isFlag = (key: string) => origins.get(key)?.startsWith("--") ?? false;
  const files = [...(keyFile === undefined ? [] : ["signer.keyFile"]), ...(keys.length === 0 ? [] : ["signer.keys"])];
  const naming = remoteUrl === undefined ? files : ["signer.remoteUrl"];
  const [first] = naming;
  if (first === undefined || naming.some(isFlag)) return;
  const unheard = ["signer.role", ...files].find(isFlag);
  if (unheard === undefined) return;
  const asked =
    unheard === "signer.role" ? `--signer-role asks for the ${role}'s key` : `${origins.get(unheard)} is given`;
  throw new ConfigError(`${asked}, but ${first} (${origins.get(first)}) names the key to sign with`, {
    code: "KEY_MISSING",
    remedy:
      remoteUrl === undefined
        ? "name the file of the key that is meant: --signer-key-file FILE"
        : "use a configuration without signer.remoteUrl, and name the key's file: --signer-key-file FILE",
  });
}

/**
 * A role that somebody wrote is no preference.
 * @param found Whose key it is. @param from Where it was found.
 * @throws ConfigError `KEY_MISSING`.
 */
export function requireRole(
  found: Settings["role"],
  from: string,
  { role }: Pick<Settings, "role">,
  origins: Origins,
): void {
  const origin = origins.get("signer.role") ?? "default";
  if (found === role || origin === "default") return;
  throw new ConfigError(`signer.role is ${role} (${origin}), but only the ${found}'s key is given (${from})`, {
    code: "KEY_MISSING",
    remedy: `give the ${role}'s key: ${role.toUpperCase()}_PRIVATE_KEY, or --signer-key-file FILE`,
  });
}
