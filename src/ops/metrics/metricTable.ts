import { answerClasses } from "../../sink/nodeErrors.ts";

type MetricType = "counter" | "gauge" | "histogram";

export type MetricSpec = {
  /** Without the prefix. Base units: seconds, OGPU, blocks. */
  readonly name: string;
  readonly type: MetricType;
  /** Each label with its values, which then start at zero; `null`: named by the operator's configuration. */
  readonly labels?: Readonly<Record<string, readonly string[] | null>>;
  readonly help: string;
  /** Of a histogram, seconds. */
  readonly buckets?: readonly number[];
};

export const metricPrefix = "ogpu_confirmd_";

const via = ["socket", "scanner", "sweep", "audit", "look"];
const item = ["task", "response"];
const waits = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900];

/** Every metric of our own; `docs/metrics.md` follows it, and a test compares the two. */
export const metricTable = [
  {
    name: "build_info",
    type: "gauge",
    labels: { version: null, node: null },
    help: "Always 1; the labels tell what runs.",
  },
  { name: "started_timestamp_seconds", type: "gauge", help: "When the pipe was started." },
  {
    name: "ready",
    type: "gauge",
    labels: { check: ["head", "backfill", "key", "journal", "pipe"] },
    help: "1 while that part of /readyz is fulfilled, else 0.",
  },

  { name: "head_block", type: "gauge", help: "The newest block that the daemon has heard of." },
  { name: "head_timestamp_seconds", type: "gauge", help: "That block's own time." },
  { name: "head_heard_timestamp_seconds", type: "gauge", help: "When an endpoint last told of its head, new or not." },
  { name: "checkpoint_block", type: "gauge", help: "The last block whose events are all in the journal." },
  { name: "checkpoint_timestamp_seconds", type: "gauge", help: "When the scanner last moved the checkpoint." },
  { name: "scanner_lag_blocks", type: "gauge", help: "Blocks from the checkpoint to the head." },
  {
    name: "intake_items_total",
    type: "counter",
    labels: { via, item },
    help: "Watched tasks and responses that a way in brought; one that several bring counts for each.",
  },
  {
    name: "missed_items_total",
    type: "counter",
    labels: { via: ["sweep", "audit"], item },
    help: "Found late, by a way in that should find nothing new: a node lied, or the daemon has a defect.",
  },
  {
    name: "overflowed_events_total",
    type: "counter",
    help: "Live events that came faster than they could be stored, and were left to the scanner.",
  },
  {
    name: "reorgs_total",
    type: "counter",
    labels: { depth: ["shallow", "deep"] },
    help: "The scanner went back; deep ones reached below finality.",
  },
  {
    name: "bloom_blocks_total",
    type: "counter",
    help: "Blocks that an endpoint answered without the events that their bloom promises.",
  },
  { name: "bloom_found_total", type: "counter", help: "Events that another endpoint then found in them." },
  { name: "disagreements_total", type: "counter", help: "Two endpoints had different blocks below finality." },
  { name: "head_behind_total", type: "counter", help: "An endpoint's head was behind the checkpoint." },

  {
    name: "verdicts_total",
    type: "counter",
    labels: { policy: null, kind: null, mode: null },
    help: "Verdicts by policy, kind (confirm, reject, wait, hold) and mode (enforce, shadow).",
  },
  {
    name: "tasks_settled_total",
    type: "counter",
    labels: { state: ["closed", "ignored"] },
    help: "Tasks that the daemon has nothing more to do for, without paying.",
  },
  {
    name: "tasks_reopened_total",
    type: "counter",
    help: "Settled tasks that a final block shows open: a node lied, or stood on a branch that is gone.",
  },
  { name: "unmatched_total", type: "counter", help: "Looks at tasks that no policy matches." },
  {
    name: "fetches_not_begun_total",
    type: "counter",
    help: "Looks at responses for which a document or a judge was not asked: too much else was fetched, its host is slow, or the judge's hour is used up.",
  },
  {
    name: "rejudged_total",
    type: "counter",
    help: "Waiting responses, and looks under way, that went on under another policy, or another version of it.",
  },
  {
    name: "evaluations_killed_total",
    type: "counter",
    help: "Evaluations that were cut off, and their thread replaced.",
  },
  { name: "policies", type: "gauge", help: "Policies in force." },
  {
    name: "policies_ok",
    type: "gauge",
    help: "0 while the files on disk are refused and older policies are in force.",
  },
  {
    name: "policy_reloads_total",
    type: "counter",
    labels: { result: ["ok", "refused"] },
    help: "How often the policies' files were read again.",
  },
  { name: "held_responses", type: "gauge", help: "Responses that wait for a person." },

  {
    name: "confirmations_total",
    type: "counter",
    labels: {
      state: ["signed", "broadcast", "mined", "final", "superseded", "rejected", "cancelled", "dead"],
    },
    help: "Confirmations that reached a state; one that is replaced, or whose receipt vanished, reaches some twice.",
  },
  {
    name: "confirmations_open",
    type: "gauge",
    labels: { state: ["intended", "signed", "broadcast", "mined"] },
    help: "Confirmations that the sink works on now.",
  },
  {
    name: "confirmations_stuck",
    type: "gauge",
    help: "Those of them that are sent and not mined for longer than sink.rebroadcastAfter.",
  },
  {
    name: "confirmations_unsigned",
    type: "gauge",
    help: "Those of them that are approved and not signed for more than 15 minutes in which neither a pause nor a ceiling kept them.",
  },
  {
    name: "confirmation_seconds",
    type: "histogram",
    labels: { stage: ["signed", "mined", "final"] },
    buckets: waits,
    help: "From the verdict to the first signature, from there until mined, and until final.",
  },
  {
    name: "replacements_total",
    type: "counter",
    help: "Transactions signed in place of an earlier one of their nonce.",
  },
  {
    name: "node_answers_total",
    type: "counter",
    labels: { answer: answerClasses.filter((each) => each !== "accepted") },
    help: "Refusals of transactions by nodes, by what they mean.",
  },
  { name: "postponed_total", type: "counter", help: "Confirmations that could not be sent yet, and are tried again." },
  { name: "cap_holds_total", type: "counter", labels: { cap: null }, help: "Confirmations that a ceiling held back." },
  {
    name: "cap_reached",
    type: "gauge",
    labels: { cap: null },
    help: "1 while confirmations wait for room under a ceiling; a ceiling for each provider tells of the last change.",
  },
  { name: "cap_limit_ogpu", type: "gauge", labels: { cap: null }, help: "A ceiling, as the operator set it." },
  { name: "cap_used_ogpu", type: "gauge", labels: { cap: null }, help: "What counts against that ceiling now." },
  { name: "paused", type: "gauge", help: "1 while nothing new is signed." },
  { name: "paid_ogpu_total", type: "counter", help: "Prices of the confirmations that became final." },
  {
    name: "saved_ogpu_total",
    type: "counter",
    help: "What the tasks offered for them beyond those prices.",
  },
  { name: "gas_ogpu_total", type: "counter", help: "What the mined transactions of final confirmations cost in gas." },
  {
    name: "signer_balance_ogpu",
    type: "gauge",
    help: "What the signing key can pay for gas; of several, the one whose money ends first. NaN until it was read, and without a key.",
  },
  {
    name: "signer_confirmations_left",
    type: "gauge",
    help: "For so many confirmations that balance pays, each at the most that one signed now could cost: what guardrails.warnBelow and /readyz go by.",
  },
  {
    name: "key_changes_total",
    type: "counter",
    labels: { state: ["held", "waiting", "lost", "no-funds", "funded"] },
    help: "Keys that this daemon came to hold, waits for, or lost to another one; or that ran out of money, and have some again.",
  },
  { name: "stranger_nonces_total", type: "counter", help: "Nonces of the key that somebody else used." },
  {
    name: "fee_ceiling_total",
    type: "counter",
    help: "Stuck transactions that a fee ceiling kept from being replaced.",
  },
  { name: "mined_reverts_total", type: "counter", help: "Confirmations that were mined and reverted." },
  {
    name: "hopeless_total",
    type: "counter",
    labels: { did: ["signed-anew", "gave-up", "nothing", "no-key"] },
    help: "Transactions that nodes refused for good, by what was done: signed anew in the nonce, given up, or nothing that helps; or that a key which is gone has left unmined.",
  },
  { name: "nonce_gaps_filled_total", type: "counter", help: "Nonces that nobody held and that were used up." },

  {
    name: "endpoint_up",
    type: "gauge",
    labels: { endpoint: null },
    help: "0 from an endpoint's first failure until it answers again.",
  },
  {
    name: "endpoint_refusing",
    type: "gauge",
    labels: { endpoint: null },
    help: "1 while an endpoint refuses its key or its plan, or its quota is used up.",
  },
  {
    name: "endpoint_latency_seconds",
    type: "gauge",
    labels: { endpoint: null },
    help: "Smoothed time that small requests take.",
  },
  {
    name: "endpoint_failure_ratio",
    type: "gauge",
    labels: { endpoint: null },
    help: "Share of recent requests that failed, 0 to 1.",
  },
  { name: "endpoint_head_block", type: "gauge", labels: { endpoint: null }, help: "The head that it last told of." },
  {
    name: "endpoint_lag_blocks",
    type: "gauge",
    labels: { endpoint: null },
    help: "Blocks behind the newest head of all.",
  },
  {
    name: "endpoint_ahead_blocks",
    type: "gauge",
    labels: { endpoint: null },
    help: "Blocks of its head above all that is known, while it does not have them; 0 otherwise.",
  },
  {
    name: "endpoint_queued_requests",
    type: "gauge",
    labels: { endpoint: null },
    help: "Requests that wait for their turn.",
  },
  {
    name: "endpoint_events_total",
    type: "counter",
    labels: { endpoint: null, event: null },
    help: "How often it went down or up, refused its key or its plan, told of blocks that it does not have, was limited, lacked a method, or was chosen in place of another.",
  },
  { name: "socket_up", type: "gauge", help: "1 while a WebSocket is open and answers." },
  { name: "socket_disconnects_total", type: "counter", help: "How often it was lost, or could not be opened." },
  {
    name: "retries_total",
    type: "counter",
    labels: { what: null },
    help: "Work that failed and is tried again, such as task, scanner, head, reconcile or tracking.",
  },

  {
    name: "housekeeping_runs_total",
    type: "counter",
    labels: { job_name: ["prune", "backup", "digest", "probe", "expiry"], result: ["ok", "failed"] },
    help: "Jobs of housekeeping that ended.",
  },
  {
    name: "housekeeping_success_timestamp_seconds",
    type: "gauge",
    labels: { job_name: null },
    help: "When a job of housekeeping last succeeded, in this process.",
  },
  {
    name: "housekeeping_since_timestamp_seconds",
    type: "gauge",
    labels: { job_name: null },
    help: "Since when this process does a job of housekeeping at its times; a job that is switched off has none.",
  },
  { name: "gateway_up", type: "gauge", labels: { gateway: null }, help: "0 while an IPFS gateway does not answer." },
  {
    name: "expiry_timestamp_seconds",
    type: "gauge",
    labels: { what: null },
    help: "Until when a certificate is good.",
  },
  {
    name: "stalled",
    type: "gauge",
    help: "1 while the pipe stands still although the chain goes on: systemd is given no sign of life.",
  },
  {
    name: "alerts_total",
    type: "counter",
    labels: { severity: ["critical", "warning", "info"] },
    help: "Alerts that began or happened.",
  },
  { name: "alerts_lost_total", type: "counter", help: "Notices that the webhook did not take." },

  {
    name: "http_requests_total",
    type: "counter",
    labels: { route: null, status: null },
    help: "Requests to the daemon's own HTTP server, by route and status.",
  },
  {
    name: "refused_changes_total",
    type: "counter",
    labels: { reason: ["token", "origin", "disabled", "rate"] },
    help: "Requests to change something that were refused: wrong token, another site, no token file, too many.",
  },
  { name: "page_readers", type: "gauge", help: "Open live streams of the operator's page." },
  {
    name: "page_readers_dropped_total",
    type: "counter",
    help: "Live streams that were closed because they read too slowly.",
  },
  {
    name: "observer_errors_total",
    type: "counter",
    help: "Failures of log, metrics or page to take a report; the pipe goes on.",
  },
] as const satisfies readonly MetricSpec[];

export type MetricName = (typeof metricTable)[number]["name"];
