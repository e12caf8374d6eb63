import { readFileSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import convict from "convict";
import { ConfigError } from "../errors.ts";
import { createScrubber } from "../ops/scrub.ts";
import { checkTogether } from "./checkTogether.ts";
import { hideKeys } from "./format.ts";
import type { Entry, Environment, Issue, Layer, ReadFile } from "./layer.ts";
import { readEnvironment } from "./readEnvironment.ts";
import { type Config, networks, type Setting, schema, settings } from "./schema.ts";
import { environmentLayer, type Flags, flagLayer } from "./textLayers.ts";
import { yamlLayer } from "./yamlLayer.ts";

export type LoadOptions = {
  /** The operator's file (`--config`); default: `$OGPU_CONFIG`, or none. */
  readonly file?: string | undefined;
  readonly flags: Flags;
  readonly env: Environment;
  /** Relative paths start here, and `.env` is looked for here. */
  readonly cwd: string;
  readonly readFile?: ReadFile | undefined;
};

export type LoadedConfig = {
  readonly config: Config;
  /** Where each key's value came from, e.g. `default`, `config.yaml:3:9`, `environment OGPU_RPC_HTTP`. */
  readonly origins: ReadonlyMap<string, string>;
  /** For the log, once there is one. */
  readonly warnings: readonly string[];
};

const paths = [
  "policies.dir",
  "journal.path",
  "journal.passwordFile",
  "http.tokenFile",
  "payload.cacheDir",
  "signer.keyFile",
  "signer.keys",
  "signer.passwordFile",
  "signer.remoteTokenFile",
  "signer.remoteCaFile",
  "signer.remoteCertFile",
  "signer.remoteCertKeyFile",
  "alerts.webhookFile",
  "housekeeping.backupDir",
];

/** What lies in systemd's state directory, unless it is set. */
const inStateDirectory: ReadonlyMap<string, string> = new Map([
  ["journal.path", "journal.sqlite"],
  ["payload.cacheDir", "payload-cache"],
  ["housekeeping.backupDir", "backups"],
  ["http.tokenFile", "http-token"],
]);

/**
 * Reads the configuration: defaults < the network's file < the operator's file < environment < flags.
 *
 * @throws ConfigError `CONFIG_INVALID` that lists everything that is wrong, one problem a line.
 */
export const loadConfig = (options: LoadOptions): LoadedConfig => load(options, fail);

/** What tells which journal is meant, and whether that can be known. */
const isOfJournal = (key: string): boolean => /^(config|network|chain|chain\.id|journal(\..*)?)$/.test(key);

/**
 * Reads which journal is meant, for who needs nothing else, and must not wait until the rest is right: whatever is wrong there counts as
 * not given. Of a broken YAML file what can be read counts.
 *
 * @returns beside it what is wrong, one problem a line, if anything is.
 * @throws ConfigError `CONFIG_INVALID` where what names the journal is wrong, or may be among what cannot be read.
 */
export function loadJournalConfig(options: LoadOptions): {
  readonly config: Pick<Config, "journal" | "chain">;
  readonly problems: string | undefined;
} {
  const passed: Issue[] = [];
  const { config, origins } = load(options, (issues) => {
    if (issues.some(({ key }) => isOfJournal(key))) fail(issues);
    passed.push(...issues);
  });
  const isNamed = config.journal.url !== undefined || origins.get("journal.path") !== "default";
  if (!isNamed && passed.some(({ key }) => key === "YAML")) {
    const problem = "is perhaps another in that file, which cannot be read; give --journal-path or --journal-url";
    fail([...passed, { key: "journal.path", origin: "default", problem }]);
  }
  return { config, problems: passed.length === 0 ? undefined : listed(passed) };
}

/** @param judge Throws where it cannot go on with what is wrong; what is wrong counts as not given otherwise. */
function load(
  { file, flags, env, cwd, readFile }: LoadOptions,
  judge: (issues: readonly Issue[]) => void,
): LoadedConfig {
  const read = readFile ?? ((path: string) => readFileSync(path, "utf8"));
  const environment = readEnvironment({ env, cwd, readFile });
  const operatorFile = file ?? (environment.env.OGPU_CONFIG || undefined);
  const operator = operatorFile === undefined ? emptyLayer : fileLayer(operatorFile, cwd, read);
  const variables = environmentLayer(environment.env, environment.dotenvKeys);
  const flagged = flagLayer(flags);

  const upper = [...operator.entries, ...variables.entries, ...flagged.entries];
  const shipped = networkLayer(upper.findLast(({ key }) => key === "network")?.value ?? schema.network.default);
  const checked = [...shipped.entries, ...upper].map((entry) => ({ entry, wrong: check(entry) }));
  const wrong = checked.flatMap((each) => each.wrong);
  judge([...operator.issues, ...variables.issues, ...flagged.issues, ...wrong]);
  const entries = checked.filter((each) => each.wrong.length === 0).map(({ entry }) => entry);

  const origins = new Map(settings().map(({ key }) => [key, "default"]));
  for (const { key, origin } of entries) origins.set(key, origin);
  const config = build(entries, (key, value) => {
    const state = environment.env.STATE_DIRECTORY?.split(":")[0];
    const place = inStateDirectory.get(key);
    if (place !== undefined && origins.get(key) === "default" && state) {
      origins.set(key, "environment STATE_DIRECTORY");
      return join(state, place);
    }
    return paths.includes(key) ? absolute(cwd, value) : value;
  });
  judge(checkTogether(config, origins));
  return { config, origins, warnings: [...variables.warnings, ...passedOver(operator, variables, cwd, origins)] };
}

/** Which policies pay is never to be a surprise: systemd's unit sets their folder by a variable. */
function passedOver(
  operator: Layer,
  variables: Layer,
  cwd: string,
  origins: ReadonlyMap<string, string>,
): readonly string[] {
  const [written, set] = [operator, variables].map(({ entries }) => entries.find(({ key }) => key === "policies.dir"));
  if (!written || !set || set.origin !== origins.get("policies.dir")) return [];
  if (absolute(cwd, written.value) === absolute(cwd, set.value)) return [];
  return [`policies.dir of ${written.origin} counts for nothing: ${set.origin} names another folder (${set.value})`];
}

function absolute(cwd: string, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((each) => absolute(cwd, each));
  return typeof value === "string" ? resolve(cwd, value) : value;
}

const emptyLayer: Layer = { entries: [], issues: [] };

function fileLayer(file: string, cwd: string, read: ReadFile): Layer {
  try {
    return yamlLayer(read(isAbsolute(file) ? file : resolve(cwd, file)), file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const problem = `cannot be read (${code ?? message}); give the path of a YAML file that the daemon's user may read`;
    return { entries: [], issues: [{ key: "config", origin: file, problem }] };
  }
}

/** The package's own file for a network. It stands beside `src/` and beside `dist/`. */
function networkLayer(network: unknown): Layer {
  if (!networks.some((known) => known === network)) return emptyLayer;
  const file = fileURLToPath(new URL(`../../config/${network}.yaml`, import.meta.url));
  return yamlLayer(readFileSync(file, "utf8"), file);
}

/** What is wrong with one value: for a list, with each element. */
function check({ key, value, origin, itemOrigins }: Entry): readonly Issue[] {
  const { reads } = settingOf(key);
  const { item } = reads;
  if (item && Array.isArray(value))
    return value.flatMap((element, index) =>
      attempt(() => item.parse(element), `${key}[${index}]`, itemOrigins?.[index] ?? origin),
    );
  return attempt(() => reads.parse(value), key, origin);
}

function attempt(parse: () => unknown, key: string, origin: string): readonly Issue[] {
  try {
    parse();
    return [];
  } catch (error) {
    return [{ key, origin, problem: (error as Error).message }];
  }
}

const settingOf = (key: string): Setting<unknown> => {
  const setting = settings().find((named) => named.key === key)?.setting;
  if (!setting) throw new TypeError(`no such setting: ${key}`);
  return setting;
};

/** Lays the entries over the defaults and reads every value; `place` has the last word on it. */
function build(entries: readonly Entry[], place: (key: string, value: unknown) => unknown): Config {
  // Environment and arguments are layers of ours, so that a complaint can name them; convict must not look at its own.
  const store = convict(schema as unknown as convict.Schema<Record<string, unknown>>, { env: {}, args: [] });
  for (const { key, value } of entries) store.set(key, value);
  store.validate({ allowed: "strict" });
  const config: Record<string, unknown> = {};
  for (const { key, setting } of settings()) {
    const value = place(key, setting.reads.parse(store.get(key)));
    const [group = key, leaf] = key.split(".");
    if (leaf === undefined) config[group] = value;
    else config[group] = { ...(config[group] as object | undefined), [leaf]: value };
  }
  return config as Config;
}

function fail(issues: readonly Issue[]): void {
  if (issues.length > 0) throw new ConfigError(listed(issues), { code: "CONFIG_INVALID" });
}

function listed(issues: readonly Issue[]): string {
  const lines = issues.map(({ key, origin, problem }) => `  ${hideKeys(key)} (${origin}): ${problem}`);
  const count = issues.length === 1 ? "one problem" : `${issues.length} problems`;
  const clean = createScrubber([], []);
  return clean([`the configuration has ${count}:`, ...lines].join("\n"));
}
