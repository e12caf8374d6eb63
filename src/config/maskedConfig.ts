import { type Config, settings } from "./schema.ts";

/** The configuration as a person writes it, ready for YAML or JSON, with the credentials in URLs masked. */
export function maskedConfig(config: Config): Readonly<Record<string, unknown>> {
  const shown: Record<string, unknown> = {};
  for (const { key, setting } of settings()) {
    const [group = key, leaf] = key.split(".");
    const given = (config as unknown as Record<string, Record<string, unknown>>)[group];
    if (leaf === undefined) shown[group] = setting.reads.show(given);
    else shown[group] = { ...(shown[group] as object | undefined), [leaf]: setting.reads.show(given?.[leaf]) };
  }
  return shown;
}
