import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { type LoadOptions, loadConfig } from "../../../src/config/loadConfig.ts";
import { maskedConfig } from "../../../src/config/maskedConfig.ts";
import { flagOf, networks, settings, variableOf } from "../../../src/config/schema.ts";
import { configFlags } from "../../../src/config/textLayers.ts";
import { ConfigError } from "../../../src/errors.ts";

const key = "1914f327e9e5c6fc442e3dade3221e632d9b6db1d10c979113002dc562852e9a";

const shipped = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../../../config/${name}.yaml`, import.meta.url)), "utf8");

const missing = (path: string): never => {
  throw Object.assign(new Error(`no ${path}`), { code: "ENOENT" });
};

type Case = Partial<LoadOptions> & { readonly yaml?: string; readonly dotenv?: string };

/** Loads with the operator's file and `.env` given as text, and nothing read from the disk but the shipped files. */
const load = ({ yaml, dotenv, ...options }: Case = {}) =>
  loadConfig({
    flags: {},
    env: {},
    cwd: "/srv",
    ...(yaml === undefined ? {} : { file: "own.yaml" }),
    readFile: (path) => (path === "/srv/.env" ? dotenv : path === "/srv/own.yaml" ? yaml : undefined) ?? missing(path),
    ...options,
  });

const refusal = (given: Case): string => {
  try {
    load(given);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({ code: "CONFIG_INVALID", exitCode: 78 });
    return (error as Error).message;
  }
  throw new Error("the configuration was accepted");
};

describe("loadConfig", () => {
  it("gives defaults in wei, milliseconds and absolute paths", () => {
    const { config } = load();
    expect(config).toMatchObject({
      network: "mainnet",
      chain: { id: 1071, startBlock: "head", finality: 3 },
      rpc: { http: ["https://mainnet-rpc.ogpuscan.io"], ws: [], timeout: 10_000, pollInterval: 1_000 },
      policies: { dir: "/srv/policies" },
      journal: { path: "/srv/data/journal.sqlite" },
      signer: { keyFile: undefined, role: "agent" },
      sink: { maxPayment: 10n ** 18n, maxFeePerGas: 500n * 10n ** 9n, rebroadcastAfter: 30_000, dryRun: false },
    });
  });

  it("has the schema's defaults in config/default.yaml, key for key", () => {
    const file = parse(shipped("default")) as Record<string, unknown>;
    const flat = Object.entries(file).flatMap(([name, value]) =>
      value !== null && typeof value === "object" && !Array.isArray(value)
        ? Object.entries(value).map(([leaf, inner]) => [`${name}.${leaf}`, inner] as const)
        : [[name, value] as const],
    );
    expect(Object.fromEntries(flat)).toEqual(
      Object.fromEntries(settings().map(({ key, setting }) => [key, setting.default])),
    );
  });

  it("changes nothing when config/default.yaml is given as the operator's file", () => {
    expect(load({ yaml: shipped("default") }).config).toEqual(load().config);
  });

  it.each([...networks])("loads %s from its shipped file", (network) => {
    const { config, origins } = load({ flags: { network } });
    expect(config.chain.id).toBe(network === "testnet" ? 200820172034 : 1071);
    expect(config.chain.finality).toBe(network === "devnet" ? 2 : 3);
    expect(origins.get("chain.id")).toMatch(new RegExp(`config/${network}.yaml:\\d+:\\d+$`));
  });

  it("lets the operator's file win over the network's, the environment over the file, and flags over all", () => {
    const yaml = "network: devnet\nhttp: {port: 1}\nrpc: {timeout: 1s, pollInterval: 1s}\nsink:\n  maxInFlight: 2\n";
    const env = { OGPU_RPC_TIMEOUT: "2s", OGPU_SINK_MAX_IN_FLIGHT: "3" };
    const { config, origins } = load({ yaml, env, flags: { "sink-max-in-flight": "4" } });
    expect(config.network).toBe("devnet");
    expect(config.rpc).toMatchObject({ http: ["http://127.0.0.1:8545"], timeout: 2_000, pollInterval: 1_000 });
    expect(config.http.port).toBe(1);
    expect(config.sink.maxInFlight).toBe(4);
    expect(origins.get("http.port")).toBe("own.yaml:2:14");
    expect(origins.get("rpc.timeout")).toBe("environment OGPU_RPC_TIMEOUT");
    expect(origins.get("sink.maxInFlight")).toBe("--sink-max-in-flight");
    expect(origins.get("log.level")).toBe("default");
  });

  it("takes no password in journal.url, shows none, and wants a database in it", () => {
    const refused = (journal: Record<string, string>) => {
      try {
        load({ flags: Object.fromEntries(Object.entries(journal).map(([key, value]) => [`journal-${key}`, value])) });
        return "accepted";
      } catch (error) {
        return (error as Error).message;
      }
    };
    for (const url of ["postgres://me:hunter22@db/journal", "postgres://me@db/journal?password=hunter22"]) {
      expect(refused({ url })).toContain("journal.passwordFile");
      expect(refused({ url })).not.toContain("hunter22");
    }
    expect(refused({ url: "postgres://me@db" })).toContain("names no database");
    expect(refused({ url: "mysql://me@db/journal" })).toContain("postgres://");
    expect(refused({ "password-file": "/w" })).toContain("needs journal.url");
    expect(refused({ url: "postgres://me@db/journal", "password-file": "/w" })).toBe("accepted");
    const { config, warnings } = load({
      env: { OGPU_JOURNAL_PASSWORD: "hunter22", OGPU_JOURNAL_URL: "postgres://me@db/j" },
    });
    expect(warnings).toEqual([]);
    expect(
      JSON.stringify([config, maskedConfig(config)], (_, value) => (typeof value === "bigint" ? String(value) : value)),
    ).not.toContain("hunter22");
  });

  it("reads every key from its variable and from its flag", () => {
    const texts: Record<string, string> = {
      network: "devnet",
      "chain.id": "1071",
      "chain.explorer": "https://explorer",
      "rpc.http": "http://localhost:1, https://localhost:2",
      "rpc.ws": "ws://localhost:1",
      "watch.sources": "0x2b0cC6058313801D5feb184a539e3a0C5A87a6a1, 0x8661F4B9c30e07A04d795A192478dfD905625a1D",
      "watch.clients": "0x8661f4b9c30e07a04d795a192478dfd905625a1d",
      "http.allowedHosts": "ops.example",
      "payload.allowHosts": "127.0.0.1:8080,[::1]:80",
      "sink.answers": "busy: my proxy is full, Fee-Too-Low: pay more",
      "journal.url": "postgres://ogpu@db/ogpu",
      "journal.passwordFile": "/w",
      "signer.keyFile": "/k",
      "signer.keys": "/k2,/k3",
      "signer.passwordFile": "/p",
      "signer.remoteUrl": "https://signer:9000",
      "signer.remoteAddresses": "0x8661f4b9c30e07a04d795a192478dfd905625a1d",
      "signer.remoteTokenFile": "/t",
      "signer.remoteCaFile": "/ca",
      "signer.remoteCertFile": "/cert",
      "signer.remoteCertKeyFile": "/cert-key",
      "alerts.webhookFile": "/hook",
      "alerts.chat": "-1001234567890",
    };
    const text = (key: string, initial: unknown) => texts[key] ?? String(initial);
    const all = settings().map(({ key, setting }) => [key, text(key, setting.default)] as const);
    const byEnv = load({ env: Object.fromEntries(all.map(([key, value]) => [variableOf(key), value])) });
    const byFlag = load({ flags: Object.fromEntries(all.map(([key, value]) => [flagOf(key), value])) });
    expect(byEnv.config).toEqual(byFlag.config);
    expect(byEnv.config.watch).toEqual({
      sources: ["0x2b0cc6058313801d5feb184a539e3a0c5a87a6a1", "0x8661f4b9c30e07a04d795a192478dfd905625a1d"],
      clients: ["0x8661f4b9c30e07a04d795a192478dfd905625a1d"],
      own: true,
    });
    expect([...byEnv.origins.values()].every((origin) => origin.startsWith("environment OGPU_"))).toBe(true);
    expect(Object.keys(configFlags())).toEqual(all.map(([key]) => flagOf(key)));
  });

  it("takes a start block by number, and unquoted addresses, from YAML", () => {
    const yaml =
      "chain: {startBlock: 9007199254740993}\nwatch:\n  sources: [0x2b0cc6058313801d5feb184a539e3a0c5a87a6a1]\n";
    const { config } = load({ yaml });
    expect(config.chain.startBlock).toBe(9007199254740993n);
    expect(config.watch.sources).toEqual(["0x2b0cc6058313801d5feb184a539e3a0c5a87a6a1"]);
  });

  it.each([
    ["one URL", "rpc: {http: 'http://a', ws: 'ws://b'}", ["http://a"], ["ws://b"]],
    ["a list", "rpc: {http: ['http://a', 'http://b', 'http://a'], ws: []}", ["http://a", "http://b"], []],
    ["nothing where nothing is needed", "rpc: {http: 'http://a', ws: ''}", ["http://a"], []],
  ])("takes %s for endpoints", (_, yaml, http, ws) => {
    expect(load({ yaml }).config.rpc).toMatchObject({ http, ws });
  });

  it("reads ceilings, and none where there shall be none", () => {
    const yaml = "guardrails: {perHour: '3 OGPU', perDay: none}\nsink: {answers: ['busy: my Proxy: full']}\n";
    const { guardrails, sink } = load({ yaml }).config;
    expect([guardrails.perHour, guardrails.perDay]).toEqual([3n * 10n ** 18n, undefined]);
    expect(sink.answers).toEqual([{ class: "busy", contains: "my Proxy: full" }]);
    expect(load({ flags: { network: "devnet" } }).config.guardrails).toMatchObject({
      perHour: undefined,
      gasPerDay: undefined,
    });
  });

  it("counts an empty variable as not set", () => {
    expect(load({ env: { OGPU_PAYLOAD_PORTS: "443, 8443" } }).config.payload.ports).toEqual([443, 8443]);
    expect(load({ env: { OGPU_RPC_HTTP: "", OGPU_LOG_LEVEL: "" } }).config).toEqual(load().config);
  });

  it("keeps the journal in systemd's state directory unless its path is set", () => {
    const env = { STATE_DIRECTORY: "/var/lib/a:/var/lib/b" };
    expect(load({ env }).config.journal.path).toBe("/var/lib/a/journal.sqlite");
    expect(load({ env }).config.payload.cacheDir).toBe("/var/lib/a/payload-cache");
    expect(load({ env: { ...env, OGPU_JOURNAL_PATH: "j.sqlite" } }).config.journal.path).toBe("/srv/j.sqlite");
  });

  it("finds the operator's file through OGPU_CONFIG", () => {
    const readFile = (path: string) => (path === "/etc/o.yaml" ? "log: {level: debug}" : missing(path));
    expect(load({ env: { OGPU_CONFIG: "/etc/o.yaml" }, readFile }).config.log.level).toBe("debug");
  });

  it("reads .env in development only, below the real environment", () => {
    const dotenv = "OGPU_LOG_LEVEL=debug\nOGPU_LOG_FORMAT=json\n";
    const env = { OGPU_LOG_FORMAT: "pretty" };
    const { config, origins } = load({ dotenv, env });
    expect(config.log).toEqual({ level: "debug", format: "pretty" });
    expect(origins.get("log.level")).toBe(".env OGPU_LOG_LEVEL");
    expect(load({ dotenv, env: { ...env, NODE_ENV: "production" } }).config.log.level).toBe("info");
  });

  it("reports everything that is wrong at once, each with its key, its place and what to write", () => {
    const yaml = [
      "netwrk: mainnet",
      "rpc:",
      "  htp: x",
      "  timeout: 10",
      "watch:",
      "  sources:",
      "    - 0x2b0cC6058313801D5feb184a539e3a0C5A87a6a2",
      "    - nope",
      "sink: {maxPayment: 0.05, maxFeePerGas: 30, dryRun: yes}",
      'sweep: {cron: "61 * * * *"}',
      "payload: 5",
    ].join("\n");
    const lines = refusal({
      yaml,
      env: { OGPU_LOG_LEVEL: "loud", OGPU_SINK_MAX_PAYMNT: "1 OGPU" },
      flags: { "http-port": "80000", "dry-rn": true },
    }).split("\n");
    expect(lines).toEqual([
      "the configuration has 14 problems:",
      "  netwrk (own.yaml:1:1): is not a known key; did you mean network?",
      "  rpc.htp (own.yaml:3:3): is not a known key; did you mean rpc.http?",
      "  payload (own.yaml:11:1): holds keys of its own; write them below it, indented (gateways, gatewayMode, allowHosts, schemes, ports, firstByteTimeout, concurrency, concurrencyPerHost, cacheDir, uploadUrl, cacheSize)",
      "  OGPU_SINK_MAX_PAYMNT (environment): is not a known variable; did you mean OGPU_SINK_MAX_PAYMENT?",
      "  dry-rn (--dry-rn): is not a known key; remove it",
      '  rpc.timeout (own.yaml:4:12): is the number 10; write a duration from 100ms to 10m, with its unit (ms, s, m, h or d), like "10s"',
      '  watch.sources[0] (own.yaml:7:7): is "0x2b0cC6058313801D5feb184a539e3a0C5A87a6a2", whose checksum is wrong (a mistyped digit?); copy it again',
      '  watch.sources[1] (own.yaml:8:7): is "nope"; write an address: 0x and 40 hex digits, all lower case or with its checksum',
      '  sink.maxPayment (own.yaml:9:20): is the number 0.05; write it in quotes with its unit, like "0.05 OGPU"',
      '  sink.maxFeePerGas (own.yaml:9:40): is the number 30; write it in quotes with its unit, like "30 gwei"',
      '  sink.dryRun (own.yaml:9:52): is "yes"; write true or false',
      expect.stringMatching(/^ {2}sweep.cron \(own.yaml:10:15\): is "61 \* \* \* \*" \(.+\); write a cron expression/),
      '  log.level (environment OGPU_LOG_LEVEL): is "loud"; write one of trace, debug, info, warn, error, fatal, silent',
      "  http.port (--http-port): is the number 80000; write a whole number from 0 to 65535",
    ]);
  });

  it("reads a huge bare amount as wei in its advice", () => {
    expect(refusal({ yaml: "sink: {maxPayment: 1000000000000000001}" })).toContain('"1000000000000000001 wei"');
  });

  it.each([
    [
      "a key given twice",
      "log: {level: info}\nlog: {level: debug}",
      "YAML (own.yaml:2:1): the same key is given twice",
    ],
    ["a key given twice, dotted", "log.level: info\nlog: {level: debug}", "log.level (own.yaml:2:7): is given twice"],
    ["broken YAML", "log: [1, 2\nrpc: {}", "YAML (own.yaml:2:"],
    ["two documents", "log: {}\n---\nlog: {}", "YAML (own.yaml:2:1): holds more than one document; keep one"],
    ["a list instead of keys", "- a", "YAML (own.yaml:1:1): is a list; write keys and values"],
    ["a key without a value", "log:\n  level:\n", "log.level (own.yaml:2:3): has no value"],
    ["a wrong scheme", "rpc: {ws: 'http://h'}", "rpc.ws (own.yaml:1:11): is a URL that starts with http:; write"],
    ["no endpoint at all", "rpc: {http: []}", "rpc.http (own.yaml:1:13): is empty; write one URL at least"],
    ["one wrong URL of two", "rpc: {http: ['http://h', 'h']}", "rpc.http[1] (own.yaml:1:26): is not a URL; write"],
    [
      "another network's chain",
      "network: testnet\nchain: {id: 1071}",
      "chain.id (own.yaml:2:13): is 1071, but testnet",
    ],
    ["an unknown chain", "network: devnet\nchain: {id: 31337}", "chain.id (own.yaml:2:13): is 31337"],
    ["nothing to watch", "watch: {own: false}", "watch.own (own.yaml:1:14): is false and nothing else is watched"],
    [
      "a class of answers that there is none of",
      "sink: {answers: ['busi: my proxy is full']}",
      'sink.answers[0] (own.yaml:1:18): is "busi: my proxy is full"; there is no class "busi": did you mean busy?',
    ],
    [
      "an answer without a class",
      "sink: {answers: [full]}",
      'sink.answers[0] (own.yaml:1:18): is "full"; write a class',
    ],
    ["an answer that fits all", "sink: {answers: ['busy: a']}", "whose text fits too many answers"],
    ["a bare ceiling", "guardrails: {perHour: 5}", 'write it in quotes with its unit, like "5 OGPU"'],
    [
      "a price that no hour has room for",
      "sink: {maxPayment: '2 OGPU'}\nguardrails: {perHour: '1 OGPU'}",
      "sink.maxPayment (own.yaml:1:20): is 2 OGPU, above guardrails.perHour (1 OGPU): such a confirmation would be held for ever",
    ],
    [
      "tips that contradict each other",
      "sink: {minTip: '200 gwei'}",
      "sink.minTip (own.yaml:1:16): is above sink.maxTip",
    ],
    ["an unknown network", "network: main", 'network (own.yaml:1:10): is "main"; write one of mainnet'],
    [
      "a remote signer of which others can read",
      "signer: {remoteUrl: 'http://10.0.0.1:9000', remoteAddresses: []}",
      "signer.remoteUrl (own.yaml:1:21): is http, which others can read and change",
    ],
    [
      "a remote signer without accounts",
      "signer: {remoteUrl: 'https://signer'}",
      "signer.remoteAddresses (default): is empty; name the accounts",
    ],
    [
      "accounts without a remote signer",
      "signer: {remoteAddresses: [0x8661f4b9c30e07a04d795a192478dfd905625a1d]}",
      "signer.remoteAddresses (own.yaml:1:27): needs signer.remoteUrl",
    ],
    [
      "a certificate without its key",
      "signer: {remoteCertFile: a}",
      "signer.remoteCertFile (own.yaml:1:26): is no use by itself; write signer.remoteCertKeyFile too",
    ],
    [
      "an element that is no host and port",
      "payload: {allowHosts: [localhost]}",
      "payload.allowHosts[0] (own.yaml:1:24)",
    ],
    [
      "a name to be asked for by with a port, which never matches",
      "http: {allowedHosts: ['page:8443']}",
      'http.allowedHosts[0] (own.yaml:1:23): is "page:8443", with a port; write the name alone: "page"',
    ],
    [
      "an address with a port, and a URL, in the place of a name",
      "http: {allowedHosts: ['::1', '10.0.0.1:80', 'http://page']}",
      'http.allowedHosts[1] (own.yaml:1:30): is "10.0.0.1:80", with a port; write the name alone: "10.0.0.1"\n' +
        '  http.allowedHosts[2] (own.yaml:1:45): is "http://page"; write a host name',
    ],
  ])("refuses %s, and says where", (_, yaml, message) => {
    expect(refusal({ yaml })).toContain(message);
  });

  it("says where text that begins with * is taken for an alias", () => {
    expect(refusal({ yaml: "http: {allowedHosts: [*.example]}\n" })).toContain(
      "http.allowedHosts (own.yaml:1:22): holds an alias (*…) of nothing; put text that begins with * in quotes",
    );
    expect(refusal({ yaml: "*x" })).toContain("YAML (own.yaml:1:1): holds an alias (*…) of nothing");
  });

  it("says which file cannot be read", () => {
    expect(refusal({ file: "/none.yaml" })).toContain("config (/none.yaml): cannot be read (ENOENT)");
  });

  it.each([
    ["a wrong scheme", { OGPU_RPC_WS: "https://user:hunter2secret@h/v3/0123456789abcdef01234567" }],
    ["no URL", { OGPU_RPC_HTTP: "user:hunter2secret@h/0123456789abcdef01234567" }],
    ["a URL where a word belongs", { OGPU_LOG_LEVEL: "https://user:hunter2secret@h/0123456789abcdef01234567" }],
    ["a remote signer's URL with a credential", { OGPU_SIGNER_REMOTE_URL: "https://user:hunter2secret@h" }],
    ["a key where its path belongs", { OGPU_SIGNER_KEY_FILE: `0x${"0123456789abcdef01234567".padEnd(64, "8")}` }],
    ["a key where a word belongs", { OGPU_LOG_LEVEL: "0123456789abcdef01234567".padEnd(64, "8") }],
  ])("never prints credentials: %s", (_, env) => {
    const message = refusal({ env });
    expect(message).not.toMatch(/hunter2secret|0123456789abcdef01234567/);
  });

  it.each([
    ["a file of variables in place of YAML", `AGENT_PRIVATE_KEY=0x${key}\nOGPU_NETWORK=mainnet\n`],
    ["such a file with a password", "OGPU_JOURNAL_PASSWORD=hunter2secret\nOGPU_NETWORK=mainnet\n"],
    ["a key behind its name", `network: "AGENT_PRIVATE_KEY=0x${key}"\n`],
    ["a key in place of a key of the file", `network: mainnet\n0x${key}: x\n`],
  ])("never prints a secret, nor most of one: %s", (_, yaml) => {
    const message = refusal({ yaml });
    expect(message).not.toMatch(/hunter2secret/);
    for (let at = 0; at + 8 <= key.length; at++) expect(message).not.toContain(key.slice(at, at + 8));
    expect(message).toContain("(own.yaml:");
  });

  it("warns where a variable names another folder of policies than the file: others would pay than one expects", () => {
    const warningsWith = (dir: string) =>
      load({ yaml: 'policies: { dir: "mine" }', env: { OGPU_POLICIES_DIR: dir } }).warnings;
    expect(warningsWith("/etc/theirs")).toEqual([
      "policies.dir of own.yaml:1:18 counts for nothing: environment OGPU_POLICIES_DIR names another folder (/etc/theirs)",
    ]);
    expect(warningsWith("./mine")).toEqual([]);
    const flagged = { env: { OGPU_POLICIES_DIR: "/etc/theirs" }, flags: { "policies-dir": "flagged" } };
    expect(load({ yaml: "policies: { dir: mine }", ...flagged }).warnings).toEqual([]);
  });

  it("warns about OGPU_ variables that resemble no setting, and goes on", () => {
    expect(load({ env: { OGPU_SOMETHING_ELSE_ENTIRELY: "1" } }).warnings).toEqual([
      "OGPU_SOMETHING_ELSE_ENTIRELY (environment) is no setting of the daemon; it is ignored",
    ]);
  });

  it.each([
    ["OGPU_DRY_RUN", "OGPU_SINK_DRY_RUN"],
    ["OGPU_MAX_PAYMENT", "OGPU_SINK_MAX_PAYMENT"],
    ["OGPU_PER_DAY", "OGPU_GUARDRAILS_PER_DAY"],
  ])("pays nothing by %s, which leaves out where the key stands", (variable, meant) => {
    expect(refusal({ env: { [variable]: "true" } })).toContain(
      `  ${variable} (environment): is not a known variable; did you mean ${meant}?`,
    );
  });

  it("names only known variables in .env.example", () => {
    const example = readFileSync(fileURLToPath(new URL("../../../.env.example", import.meta.url)), "utf8");
    const { config, warnings } = load({ dotenv: example });
    expect(warnings).toEqual([]);
    expect(config).toMatchObject({ network: "testnet", sink: { dryRun: true, maxPayment: 10n ** 18n } });
  });
});

describe("maskedConfig", () => {
  it("masks credentials in URLs, and reads back as the same configuration otherwise", () => {
    const yaml = "watch: {sources: [0x2b0cC6058313801D5feb184a539e3a0C5A87a6a1]}\nsink: {maxPayment: 0.25 OGPU}\n";
    const { config } = load({ yaml });
    expect(load({ yaml: JSON.stringify(maskedConfig(config)) }).config).toEqual(config);

    const secret = load({
      env: {
        OGPU_RPC_HTTP: "https://me:hunter2secret@h.example:8443/v3/0123456789abcdef?apikey=short1&x=y",
        OGPU_RPC_WS: "wss://h.example/ext/bc/mainnet/0123456789abcdef",
      },
    });
    expect(maskedConfig(secret.config).rpc).toMatchObject({
      http: ["https://***@h.example:8443/v3/***?apikey=***&x=***"],
      ws: ["wss://h.example/ext/bc/mainnet/***"],
    });
  });
});
