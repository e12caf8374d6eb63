import { webhookFormats } from "../ops/alerts/templates.ts";
import type { AccountAddress, SourceAddress } from "../protocol/brand.ts";
import { answerRule } from "./answerRule.ts";
import type { Format } from "./format.ts";
import * as form from "./formats.ts";

/** One key: convict's own properties, and the format that reads and shows it. */
export type Setting<T> = {
  readonly doc: string;
  /** As a file would hold it; `null` where the network's file must give it. */
  readonly default: unknown;
  readonly format: (value: unknown) => void;
  readonly reads: Format<T>;
};

function setting<T>(reads: Format<T>, initial: unknown, doc: string): Setting<T> {
  return { doc, default: initial, reads, format: (value) => void reads.parse(value) };
}

/** Each has a file in `config/`. */
export const networks = ["mainnet", "testnet", "devnet"] as const;

/** Every key there is. `config/default.yaml` and `docs/configuration.md` follow it; tests compare them. */
export const schema = {
  network: setting(
    form.oneOf(...networks),
    "mainnet",
    "The network; its file in `config/` gives the chain's id and a public endpoint. `devnet` is a local chain.",
  ),
  chain: {
    id: setting(
      form.whole(1, Number.MAX_SAFE_INTEGER),
      null,
      "The chain's id; the daemon stops if the endpoint serves another chain.",
    ),
    startBlock: setting(
      form.startBlock,
      "head",
      "Where to begin with a journal that is new: `head` or a block number. Open tasks from before are found by the sweep.",
    ),
    finality: setting(
      form.finality,
      3,
      "When a block can no longer be taken back: so many blocks on top of it, or the node's own word (`safe` or `finalized`).",
    ),
    explorer: setting(
      form.optional(form.url("https", "http")),
      "",
      "An explorer of the chain, such as `https://ogpuscan.io`, that the operator's page links to. Empty: on mainnet the network's own, elsewhere none.",
    ),
  },
  rpc: {
    http: setting(
      form.urls("http", "https", "ws", "wss"),
      null,
      "The JSON-RPC endpoints: the healthiest is asked, the next one where it fails; a transaction goes to all that are healthy. One with `ws://` or `wss://` is asked over WebSockets that are kept open, apart from those of `rpc.ws`: a payment is sent sooner; the kinds can be mixed, such as `wss://` first and `https://` to fall back on. Credentials in them are masked wherever they are shown.",
    ),
    ws: setting(
      form.urls("ws", "wss"),
      "",
      "WebSocket endpoints that push logs, for speed; one is open at a time. Empty: poll only.",
    ),
    timeout: setting(
      form.duration("100ms", "10m"),
      "10s",
      "How long one request may take, and how long it may wait for its turn.",
    ),
    rateLimit: setting(
      form.whole(0, 100_000),
      0,
      "The most requests a second to each endpoint (a batch is one); 0: no limit. HTTP 429 and `Retry-After` are honoured in any case.",
    ),
    batchSize: setting(form.whole(1, 1_000), 100, "The most calls in one request; 1: no batches."),
    cooldown: setting(
      form.duration("100ms", "1h"),
      "30s",
      "How long an endpoint that failed is left alone where there is another; it doubles with each failure in a row, up to eight times.",
    ),
    pollInterval: setting(form.duration("50ms", "10m"), "1s", "How often the head is asked for at `rpc.http`."),
    maxBlockRange: setting(form.whole(1, 1_000_000), 2_000, "The most blocks in one `eth_getLogs` request."),
  },
  socket: {
    heartbeat: setting(
      form.duration("100ms", "10m"),
      "15s",
      "How often a WebSocket is asked for a sign of life; one that is not answered by the next ends it.",
    ),
    silence: setting(
      form.duration("100ms", "1h"),
      "30s",
      "How long a WebSocket may bring no head while `rpc.http` does, or stay ahead of all of `rpc.http`, before it is given up.",
    ),
    maxBackoff: setting(
      form.duration("100ms", "1h"),
      "30s",
      "The longest pause between two tries to open a WebSocket; the first is a 32nd of it. It is tried for ever.",
    ),
  },
  watch: {
    sources: setting(form.list(form.address<SourceAddress>()), [], "Sources whose tasks to confirm."),
    clients: setting(form.list(form.address<AccountAddress>()), [], "Clients all of whose sources to watch."),
    own: setting(
      form.flag,
      true,
      "Watch the sources of the signer's own account, or of the clients that authorised it as their agent.",
    ),
  },
  policies: {
    dir: setting(form.path, "policies", "The folder of policy files."),
  },
  journal: {
    path: setting(
      form.path,
      "data/journal.sqlite",
      "The SQLite journal. Where it is not set and systemd gives a state directory: `$STATE_DIRECTORY/journal.sqlite`.",
    ),
    url: setting(
      form.optional(form.url("postgres", "postgresql")),
      "",
      "A PostgreSQL database for the journal in place of the file, such as `postgres://ogpu@db.example:5432/ogpu?sslmode=verify-full`; its password is given beside it.",
    ),
    passwordFile: setting(
      form.optional(form.path),
      "",
      "A file with the password of the user in `journal.url`. Without it: systemd's credential `journal-password`, else `$OGPU_JOURNAL_PASSWORD`.",
    ),
  },
  payload: {
    gateways: setting(
      form.list(form.url("http", "https")),
      ["https://cipfs.ogpuscan.io"],
      "IPFS gateways. What a response names by CID may come from any of them, and is verified.",
    ),
    gatewayMode: setting(
      form.oneOf("order", "race"),
      "order",
      "`order` asks one gateway after the other, `race` all at once: faster, and more requests.",
    ),
    allowHosts: setting(
      form.list(form.hostAndPort),
      [],
      "Hosts on private addresses that payloads may be fetched from all the same, such as a gateway of your own.",
    ),
    schemes: setting(
      form.list(form.oneOf("https", "http")),
      ["https", "http"],
      "Schemes that payloads may be fetched by. Over `http` anybody on the way can change an answer that no CID names.",
    ),
    ports: setting(form.list(form.whole(1, 65_535)), [443, 80], "Ports that payloads may be fetched from."),
    firstByteTimeout: setting(
      form.duration("100ms", "5m"),
      "4s",
      "How long a server may take to begin its answer. A policy's `output.timeout` bounds the whole.",
    ),
    concurrency: setting(
      form.whole(1, 1_024),
      64,
      "The most fetches of answers at once; configs of tasks, and what is on disk, have places of their own.",
    ),
    concurrencyPerHost: setting(
      form.whole(1, 1_024),
      8,
      "The most fetches at once from one host, or one domain, that responses name (one while it is slow); your gateways may take three quarters of all.",
    ),
    cacheDir: setting(
      form.optional(form.path),
      "data/payload-cache",
      "A folder that keeps verified IPFS blocks; empty: none are kept. Where it is not set and systemd gives a state directory: `$STATE_DIRECTORY/payload-cache`.",
    ),
    uploadUrl: setting(
      form.url("http", "https"),
      "https://capi.ogpuscan.io/file/create",
      "Where `publish` uploads the input of a task and the metadata of a source.",
    ),
    cacheSize: setting(
      form.size("1MiB", "1024GiB"),
      "256MiB",
      "The most that the folder takes on disk; it keeps 262144 blocks at the most, however small.",
    ),
  },
  signer: {
    keyFile: setting(
      form.optional(form.path),
      "",
      "A file with the private key, or a Web3 keystore (version 3). Empty: `$CREDENTIALS_DIRECTORY/agent-key`, then `AGENT_PRIVATE_KEY`; of the client, `client-key` and `CLIENT_PRIVATE_KEY`.",
    ),
    keys: setting(form.list(form.path), [], "More such files, for keys that share the load."),
    passwordFile: setting(
      form.optional(form.path),
      "",
      "A file with the password of the keystores. Empty: `$CREDENTIALS_DIRECTORY/keystore-password`.",
    ),
    role: setting(
      form.oneOf("agent", "client"),
      "agent",
      "Whose key signs, where no file and no remote signer is named. Where it is written, no other key does; where it is not, the client's signs if there is no agent's. An agent key can confirm and holds no escrow.",
    ),
    remoteUrl: setting(
      form.optional(form.url("https", "http")),
      "",
      "A remote signer (Web3Signer, clef or another with `eth_signTransaction`) in place of a key of the daemon's own. `http` only on this machine.",
    ),
    remoteAddresses: setting(
      form.list(form.address<AccountAddress>()),
      [],
      "The accounts that the remote signer signs for; with `signer.remoteUrl` at least one.",
    ),
    remoteTokenFile: setting(form.optional(form.path), "", "A file with a bearer token for the remote signer."),
    remoteCaFile: setting(
      form.optional(form.path),
      "",
      "Authorities (PEM) that vouch for the remote signer, in place of the machine's.",
    ),
    remoteCertFile: setting(
      form.optional(form.path),
      "",
      "The daemon's certificate (PEM) for the remote signer; its key is `signer.remoteCertKeyFile`.",
    ),
    remoteCertKeyFile: setting(form.optional(form.path), "", "The key (PEM) of that certificate."),
    remoteTimeout: setting(form.duration("100ms", "10m"), "5s", "How long the remote signer may take for one answer."),
    threads: setting(
      form.whole(0, 64),
      1,
      "Threads for each key that sign and check, so that the rest need not wait. 0: none, everything in one thread.",
    ),
    engine: setting(
      form.oneOf("javascript", "native"),
      "javascript",
      "`native` is some eight times as fast, with the same bytes; it needs the package `secp256k1`, installed beside the daemon by you.",
    ),
  },
  sink: {
    maxInFlight: setting(form.whole(1, 256), 16, "The most confirmations of each key that are sent and not yet mined."),
    maxPayment: setting(form.amount("OGPU"), "1 OGPU", "The highest price of one confirmation; dearer ones are held."),
    maxFeePerGas: setting(
      form.amount("gwei"),
      "500 gwei",
      "The highest price of gas to offer, replacements included. What is stuck there is sent again as it is, and reported.",
    ),
    minTip: setting(form.amount("gwei"), "0 gwei", "The least tip (priority fee) to offer on an EIP-1559 chain."),
    maxTip: setting(form.limit("gwei"), "100 gwei", "The highest tip of a first offer; replacements may raise it."),
    rebroadcastAfter: setting(
      form.duration("1s", "1h"),
      "30s",
      "How long a transaction may stay unmined before it is sent again, at a higher price where that may help.",
    ),
    replaceAfterBlocks: setting(
      form.whole(0, 1_000),
      2,
      "So many blocks must have come without it, too, before a higher price is offered: a chain that stands still is no reason to pay more.",
    ),
    foreignPending: setting(
      form.oneOf("wait", "adopt"),
      "wait",
      "What to do where the node holds transactions of the key at the start that the journal does not know: `wait` for them, or `adopt` the nonces after theirs.",
    ),
    answers: setting(
      form.list(answerRule),
      [],
      "What a node, or a proxy before it, answers to a transaction that the daemon does not know; tried first. An unknown answer means `perhaps-sent`.",
    ),
    dryRun: setting(form.flag, false, "Decide and record, but sign and send nothing. `--dry-run` is the same."),
  },
  guardrails: {
    perHour: setting(
      form.limit("OGPU"),
      "10 OGPU",
      "What all confirmations of the last sixty minutes may cost together. What would pass it waits, in order; docs/guardrails.md tells of all limits.",
    ),
    perDay: setting(form.limit("OGPU"), "50 OGPU", "The same for the last 24 hours."),
    perProviderHour: setting(form.limit("OGPU"), "5 OGPU", "What one provider may be paid in the last sixty minutes."),
    gasPerDay: setting(
      form.limit("OGPU"),
      "1 OGPU",
      "What gas may cost in the last 24 hours; what is in flight counts at the most that it can cost.",
    ),
    maxReverts: setting(
      form.whole(0, 1_000),
      5,
      "So many confirmations in a row that revert although their simulation had passed pause all paying until somebody resumes; 0: never.",
    ),
    warnBelow: setting(
      form.whole(0, 1_000_000),
      50,
      "Warn when a key's balance pays the gas of fewer confirmations than this; 0: never.",
    ),
  },
  pipeline: {
    concurrency: setting(form.whole(1, 1_024), 32, "How many tasks are looked at together."),
  },
  sweep: {
    cron: setting(form.cron, "*/5 * * * *", "When the state of open tasks is read from the chain again."),
  },
  alerts: {
    webhookFile: setting(
      form.optional(form.path),
      "",
      "A file with the URL of a webhook that alerts and the daily digest are posted to; the URL is a secret. Empty: `$CREDENTIALS_DIRECTORY/alert-webhook`, or none.",
    ),
    format: setting(
      form.oneOf(...webhookFormats),
      "generic",
      "What the webhook takes: `generic` JSON, or the form of Slack, Discord or Telegram (`https://api.telegram.org/bot…/sendMessage`).",
    ),
    chat: setting(form.optional(form.word), "", "Telegram's chat, such as `-1001234567890` or `@channel`."),
    after: setting(
      form.duration("0ms", "1d"),
      "2m",
      "How long an endpoint or the WebSocket must be lost, or no head be heard, before it is worth an alert.",
    ),
    repeatAfter: setting(
      form.duration("1m", "30d"),
      "4h",
      "An alert that lasts is posted again after so long; one that happens again before is counted.",
    ),
    timeout: setting(form.duration("100ms", "1m"), "10s", "How long the webhook may take; it is tried five times."),
  },
  housekeeping: {
    pruneCron: setting(form.cron, "17 3 * * *", "When the journal is pruned, and free space is given back."),
    pruneAfter: setting(
      form.duration("7d", "3650d"),
      "90d",
      "How long a settled task keeps its details: verdicts, facts, signed bytes. What ceilings, nonces and policies need stays.",
    ),
    backupCron: setting(form.cron, "47 2 * * *", "When the journal is copied; each copy is proven before it counts."),
    backupDir: setting(
      form.optional(form.path),
      "data/backups",
      "The folder of the copies; empty: none are made. Where it is not set and systemd gives a state directory: `$STATE_DIRECTORY/backups`.",
    ),
    backupKeep: setting(form.whole(1, 1_000), 7, "How many copies are kept, the newest."),
    digestCron: setting(form.cron, "0 0 * * *", "When the last 24 hours are summed up, in the log and by the webhook."),
    probeCron: setting(
      form.cron,
      "*/10 * * * *",
      "When every endpoint and gateway is asked whether it is there and serves this chain.",
    ),
    expiryCron: setting(form.cron, "30 6 * * *", "When certificates are looked at."),
    expiryWarning: setting(
      form.duration("1d", "365d"),
      "21d",
      "How long before its end a certificate is worth an alert.",
    ),
  },
  http: {
    host: setting(form.host, "127.0.0.1", "Where the daemon's own HTTP server listens."),
    port: setting(form.whole(0, 65_535), 9_464, "Its port; 0 takes any that is free."),
    allowedHosts: setting(
      form.list(form.hostName),
      [],
      "Names by which the operator's page may be asked for, at any port, such as a reverse proxy's, beside addresses and `localhost`.",
    ),
    tokenFile: setting(
      form.optional(form.path),
      "data/http-token",
      "A file with the token that the page asks for before it changes anything; read at the start; made at the first one where it is not set, unless systemd gives the credential `http-token`. Empty: nothing can be changed over HTTP. Where it is not set and systemd gives a state directory: `$STATE_DIRECTORY/http-token`.",
    ),
  },
  log: {
    level: setting(
      form.oneOf("trace", "debug", "info", "warn", "error", "fatal", "silent"),
      "info",
      "The least severe records that are written.",
    ),
    format: setting(
      form.oneOf("auto", "json", "pretty"),
      "auto",
      "`auto` is `pretty` on a terminal and `json` (one record a line) elsewhere.",
    ),
  },
  shutdown: {
    grace: setting(form.duration("0ms", "10m"), "30s", "How long a stop may take before it is cut short."),
  },
} as const;

type ConfigOf<Tree> = { readonly [Key in keyof Tree]: Tree[Key] extends Setting<infer T> ? T : ConfigOf<Tree[Key]> };

/** What the daemon runs on: amounts in wei, durations in milliseconds, addresses in lower case, paths absolute. */
export type Config = ConfigOf<typeof schema>;

type NamedSetting = { readonly key: string; readonly setting: Setting<unknown> };

const isSetting = (node: unknown): node is Setting<unknown> =>
  typeof node === "object" && node !== null && "reads" in node;

/** Every key in the order of the schema, e.g. `rpc.http`. */
export const settings = (): readonly NamedSetting[] =>
  Object.entries(schema).flatMap(([name, node]) =>
    isSetting(node)
      ? [{ key: name, setting: node }]
      : Object.entries(node).map(([leaf, setting]) => ({
          key: `${name}.${leaf}`,
          setting: setting as Setting<unknown>,
        })),
  );

const words = (key: string): string[] => key.replace(/[A-Z]/g, (letter) => `.${letter.toLowerCase()}`).split(".");

/** `sink.maxPayment` → `OGPU_SINK_MAX_PAYMENT`. */
export const variableOf = (key: string): string => `OGPU_${words(key).join("_").toUpperCase()}`;

/** `sink.maxPayment` → `sink-max-payment`. */
export const flagOf = (key: string): string => words(key).join("-");
