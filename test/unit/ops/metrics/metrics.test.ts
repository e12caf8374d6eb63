import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { EndpointHealth } from "../../../../src/chain/endpoints/endpointHealth.ts";
import type { Confirmation, Decision } from "../../../../src/journal/journal.ts";
import { createBoard } from "../../../../src/ops/board/createBoard.ts";
import type { JournalReads } from "../../../../src/ops/board/journalReads.ts";
import { boardGauges } from "../../../../src/ops/metrics/boardGauges.ts";
import { countReports } from "../../../../src/ops/metrics/countReports.ts";
import { createMetrics } from "../../../../src/ops/metrics/createMetrics.ts";
import { endpointGauges } from "../../../../src/ops/metrics/endpointGauges.ts";
import { metricPrefix, metricTable } from "../../../../src/ops/metrics/metricTable.ts";
import {
  type ResponseAddress,
  type TaskAddress,
  toAddress,
  toNonce,
  unixSeconds,
  wei,
} from "../../../../src/protocol/brand.ts";
import type { Report } from "../../../../src/report.ts";

const create = (withProcess = false) => createMetrics({ version: "1.2.3", nodeVersion: "v24", withProcess });
const docs = readFileSync(join(import.meta.dirname, "../../../../docs/metrics.md"), "utf8");

const task = toAddress(`0x${"11".repeat(20)}`) as unknown as TaskAddress;
const response = toAddress(`0x${"22".repeat(20)}`) as unknown as ResponseAddress;
const ogpu = (amount: number) => wei(BigInt(amount * 1000) * 10n ** 15n);
const confirmation = (state: Confirmation["state"], attempts = 1): Confirmation => ({
  id: 7,
  task,
  response,
  verdictId: 3,
  payment: ogpu(0.8),
  offered: ogpu(1),
  responseDigest: "",
  state,
  reason: "",
  nonce: toNonce(4),
  mined: undefined,
  attempts: Array.from({ length: attempts }, (_, index) => ({
    kind: "confirm" as const,
    hash: `0x${String(index).padStart(64, "0")}` as never,
    raw: "0x" as never,
    nonce: toNonce(4),
    signedAt: 2_000,
  })),
});
const inAnotherNonce = (signed: Confirmation): Confirmation => ({
  ...signed,
  attempts: signed.attempts.map((each, index) => ({ ...each, nonce: toNonce(index) })),
});

const decision = {
  task,
  response,
  policy: "p",
  kind: "confirm",
  mode: "enforce",
  payment: ogpu(0.8),
  reason: "",
} as unknown as Decision;
const receipt = {
  hash: "0x",
  blockNumber: 1n,
  blockHash: "0x",
  succeeded: true,
  gasUsed: 100_000n,
  gasPrice: 10n ** 12n,
};

/** The lines of a metric, without the prefix. */
const linesOf = (text: string, name: string) =>
  text
    .split("\n")
    .filter((line) => line.startsWith(`${metricPrefix}${name}`))
    .map((line) => line.slice(metricPrefix.length));

describe("the metrics", () => {
  it("are all in docs/metrics.md with type, labels and meaning, and nothing else is there", async () => {
    const { registry } = create(true);
    const rows = [...docs.matchAll(/^\| `([a-z0-9_]+)` \| (\w+) \| (.*?) \| (.*?) \| (.*) \|$/gm)];
    const documented = new Map(
      rows.map(([, name = "", type, labels = "", , meaning]) => [name, { type, labels, meaning }]),
    );
    const registered = await registry.getMetricsAsJSON();
    // What garbage collection adds appears with the first one; the table has it in any case.
    expect([...documented.keys()].sort()).toEqual(registered.map(({ name }) => name).sort());
    for (const { name, type } of registered) expect([name, documented.get(name)?.type]).toEqual([name, String(type)]);
    for (const spec of metricTable) {
      const { labels = {} } = spec as { labels?: Record<string, unknown> };
      const row = documented.get(`${metricPrefix}${spec.name}`);
      expect([...(row?.labels.matchAll(/`(\w+)`/g) ?? [])].map(([, label]) => label)).toEqual(Object.keys(labels));
      expect(row?.meaning).toBe(spec.help);
    }
  });

  it("follow the naming rules: base units, counters end in _total", () => {
    for (const { name, type } of metricTable) {
      expect([name, name.endsWith("_total")]).toEqual([name, type === "counter"]);
      expect(name).not.toMatch(/_(ms|millis|wei|gwei|kb|mb)\b|_ms_/);
    }
  });

  it("leave the labels alone that Prometheus gives to what it scrapes", () => {
    for (const { name, ...spec } of metricTable)
      for (const label of Object.keys((spec as { labels?: Record<string, unknown> }).labels ?? {}))
        expect([name, label]).not.toEqual([name, expect.stringMatching(/^(job|instance|exported_.*|__.*)$/)]);
  });

  it("start at zero where the labels are known, so that a first increase is seen", async () => {
    const text = await create().text();
    expect(linesOf(text, "reorgs_total")).toEqual(['reorgs_total{depth="shallow"} 0', 'reorgs_total{depth="deep"} 0']);
    expect(linesOf(text, "paid_ogpu_total")).toEqual(["paid_ogpu_total 0"]);
    expect(linesOf(text, "build_info")).toEqual(['build_info{version="1.2.3",node="v24"} 1']);
  });

  const verdict: Report = { type: "verdict", decision, intent: confirmation("intended", 0) };
  it.each<readonly [string, readonly Report[], readonly string[]]>([
    [
      "a head and a checkpoint give the lag",
      [
        { type: "head", number: 120n, timestamp: unixSeconds(1_700) },
        { type: "intake", via: "scanner", tasks: 2, responses: 1, block: 117n },
      ],
      [
        "head_block 120",
        "head_timestamp_seconds 1700",
        "checkpoint_block 117",
        "scanner_lag_blocks 3",
        'intake_items_total{via="scanner",item="task"} 2',
      ],
    ],
    [
      "a verdict counts under policy, kind and mode",
      [verdict],
      ['verdicts_total{policy="p",kind="confirm",mode="enforce"} 1'],
    ],
    [
      "a final confirmation pays, saves and burns gas",
      [{ type: "confirmation", confirmation: confirmation("final"), receipt } as Report],
      ["paid_ogpu_total 0.8", "saved_ogpu_total 0.2", "gas_ogpu_total 0.1", 'confirmations_total{state="final"} 1'],
    ],
    [
      "a replacement is told from a first signature",
      [
        { type: "confirmation", confirmation: confirmation("signed") },
        { type: "confirmation", confirmation: confirmation("signed", 2) },
      ],
      ["replacements_total 1"],
    ],
    [
      "a signature in another nonce replaces nothing",
      [{ type: "confirmation", confirmation: inAnotherNonce(confirmation("signed", 2)) }],
      ["replacements_total 0"],
    ],
    [
      "the way from verdict to final is timed",
      [
        verdict,
        { type: "confirmation", confirmation: confirmation("signed") },
        { type: "confirmation", confirmation: confirmation("final") },
      ],
      ['confirmation_seconds_sum{stage="signed"} 1', 'confirmation_seconds_sum{stage="final"} 3'],
    ],
    [
      "a retry loses its address and number",
      [
        { type: "retry", what: `task ${task}`, error: "x", inMs: 1 },
        { type: "retry", what: "confirmation 12", error: "x", inMs: 1 },
      ],
      ['retries_total{what="task"} 1', 'retries_total{what="confirmation"} 1'],
    ],
    [
      "a pause stands until it is resumed",
      [{ type: "paused", by: "operator", who: "ada", why: "w", at: 1 }],
      ["paused 1"],
    ],
    [
      "a job is told by a label that no scrape takes away",
      [{ type: "job", job: "backup", ok: true, detail: "", ms: 1 }],
      [
        'housekeeping_runs_total{job_name="backup",result="ok"} 1',
        'housekeeping_success_timestamp_seconds{job_name="backup"} 1',
      ],
    ],
    [
      "refused policies are told from loaded ones",
      [{ type: "policies", ok: false, problems: "p" }],
      ["policies_ok 0", 'policy_reloads_total{result="refused"} 1'],
    ],
  ])("%s", async (_, reports, expected) => {
    const metrics = create();
    // A verdict comes at one second, what follows it at five.
    let now = 1_000;
    const note = countReports(metrics, { now: () => now });
    for (const each of reports) {
      note(each);
      now = 5_000;
    }
    const lines = (await metrics.text()).split("\n");
    for (const line of expected) expect(lines).toContain(`${metricPrefix}${line}`);
  });

  it("keep an unbounded label bounded", async () => {
    const metrics = create();
    const note = countReports(metrics, { now: () => 0 });
    for (let index = 0; index < 1_000; index++)
      note({ type: "verdict", decision: { ...decision, policy: `policy ${index}` } });
    const lines = linesOf(await metrics.text(), "verdicts_total");
    expect(lines).toHaveLength(201);
    expect(lines).toContain('verdicts_total{policy="other",kind="confirm",mode="enforce"} 800');
  });

  it("show how many approved confirmations nobody signs", async () => {
    const metrics = create();
    let now = 0;
    const board = createBoard({ clock: { now: () => now }, stuckAfterMs: 1 });
    const reads = { held: () => ({ count: 0, items: [] }), pause: () => undefined, standings: () => [] };
    boardGauges(metrics, board, reads as unknown as JournalReads, () => now);
    board.note({ type: "key", signer: toAddress(`0x${"33".repeat(20)}`) as never, state: "held" });
    board.note(verdict);
    now = 15 * 60_000;
    expect(linesOf(await metrics.text(), "confirmations_unsigned")).toEqual(["confirmations_unsigned 0"]);
    now += 1;
    expect(linesOf(await metrics.text(), "confirmations_unsigned")).toEqual(["confirmations_unsigned 1"]);
  });

  it("show the endpoints as they are when they are read", async () => {
    const metrics = create();
    const health = {
      name: "node:8545",
      forMs: 0,
      failureRate: 0.25,
      latencyMs: 40,
      head: 9n,
      lag: 1,
      ahead: 3,
      isRefusing: true,
      batchSize: 1,
      queued: 2,
      cost: 1,
    };
    let now: Pick<EndpointHealth, "state" | "failuresInRow"> = { state: "healthy", failuresInRow: 0 };
    endpointGauges(metrics, () => [{ ...health, ...now }]);
    expect(linesOf(await metrics.text(), "endpoint_refusing")).toEqual(['endpoint_refusing{endpoint="node:8545"} 1']);
    expect(linesOf(await metrics.text(), "endpoint_ahead_blocks")).toEqual([
      'endpoint_ahead_blocks{endpoint="node:8545"} 3',
    ]);
    const up = async () => linesOf(await metrics.text(), "endpoint_up");
    expect(await up()).toEqual(['endpoint_up{endpoint="node:8545"} 1']);
    // Its cool-down is over, and it has not answered yet.
    for (const state of ["cooling", "healthy", "cooling"] as const) {
      now = { state, failuresInRow: 1 };
      expect(await up()).toEqual(['endpoint_up{endpoint="node:8545"} 0']);
    }
    now = { state: "limited", failuresInRow: 0 };
    expect(await up()).toEqual(['endpoint_up{endpoint="node:8545"} 1']);
    const text = await metrics.text();
    expect(linesOf(text, "endpoint_latency_seconds")).toEqual(['endpoint_latency_seconds{endpoint="node:8545"} 0.04']);
  });
});
