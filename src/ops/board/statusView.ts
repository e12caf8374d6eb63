import type { EndpointHealth } from "../../chain/endpoints/endpointHealth.ts";
import type { Config } from "../../config/schema.ts";
import type { Policy } from "../../policy/policyPort.ts";
import { type AccountAddress, checksummed } from "../../protocol/brand.ts";
import { mainnet } from "../../protocol/chains.ts";
import type { Funds } from "../../sink/funds.ts";
import type { Check, Liveness } from "../http/probeRoutes.ts";
import type { Board } from "./createBoard.ts";
import type { JournalReads } from "./journalReads.ts";

type StatusParts = {
  readonly config: Config;
  readonly version: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** Of the keys that pay. */
  readonly keys: readonly AccountAddress[];
  readonly board: Board;
  readonly reads: JournalReads;
  readonly health: () => readonly EndpointHealth[];
  readonly policies: () => readonly Policy[];
  readonly livez: () => Liveness;
  readonly readyz: () => readonly Check[];
  readonly funds: () => Funds | undefined;
  readonly canChange: boolean;
};

/** The daemon at a glance: `/status`, and what the page shows beside the live pipe. Amounts are decimal wei in text. */
export function statusView(parts: StatusParts, now: number) {
  const { config, version, startedAt, keys, board, reads } = parts;
  const checks = parts.readyz();
  const funds = parts.funds();
  return {
    at: now,
    version,
    startedAt,
    network: config.network,
    chainId: config.chain.id,
    explorer: explorerOf(config),
    pays: keys.length > 0 && !config.sink.dryRun,
    /** Whether the page may change something, with the token. */
    canChange: parts.canChange,
    live: parts.livez().ok,
    ready: { ok: checks.every(({ ok }) => ok), checks },
    paused: reads.pause() ?? null,
    ...board.progress(),
    sockets: config.rpc.ws.length,
    endpoints: parts.health().map(({ name, state, forMs, isRefusing, failureRate, latencyMs, head, lag, queued }) => ({
      ...{ name, state, forMs, isRefusing, failureRate, lag, queued },
      latencyMs: latencyMs ?? null,
      head: head === undefined ? null : String(head),
    })),
    /** What the poorest of the keys can pay for. */
    key: {
      addresses: keys.map(checksummed),
      balance: funds ? String(funds.balance) : null,
      confirmations: funds && Number.isFinite(funds.confirmations) ? funds.confirmations : null,
    },
    lane: board.lane.view(now),
    totals: board.tallies.totals(),
    policies: parts.policies().map(({ name, mode, strategy, digest }) => ({ name, mode, strategy, digest })),
    tallies: board.tallies.view(),
    caps: [
      { name: "sink.maxPayment", of: "each confirmation", limit: String(config.sink.maxPayment), used: null },
      ...reads.standings().map(({ name, scope, limit, used }) => ({
        ...{ name, of: scope },
        limit: String(limit),
        used: String(used),
      })),
    ].slice(0, 40),
    money: {
      hour: board.money.sum("hour", now),
      day: board.money.sum("day", now),
      month: board.money.sum("month", now),
    },
    held: reads.held(),
  };
}

export type Status = ReturnType<typeof statusView>;

/** Where a person reads of a transaction; none on a chain of one's own. */
function explorerOf({ network, chain }: Config): string | null {
  if (chain.explorer !== undefined) return chain.explorer.replace(/\/$/, "");
  return network === "mainnet" ? (mainnet.blockExplorers?.default.url ?? null) : null;
}
