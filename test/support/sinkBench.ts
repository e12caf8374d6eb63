import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Confirmation, Journal } from "../../src/journal/journal.ts";
import { openSqliteJournal } from "../../src/journal/sqliteJournal.ts";
import type { ResponseAddress, TaskAddress, Wei } from "../../src/protocol/brand.ts";
import { wei } from "../../src/protocol/brand.ts";
import { deploymentOn } from "../../src/protocol/chains.ts";
import { responseDigest } from "../../src/protocol/responseDigest.ts";
import type { Report, Reporter } from "../../src/report.ts";
import { privateKeySigner } from "../../src/signer/privateKeySigner.ts";
import type { Signer } from "../../src/signer/signerPort.ts";
import { createGasFigure } from "../../src/sink/gasFigure.ts";
import { noCaps } from "../../src/sink/guardrails/caps.ts";
import { createGuard, unlimited } from "../../src/sink/guardrails/guard.ts";
import { openLedger } from "../../src/sink/guardrails/openLedger.ts";
import { createLane } from "../../src/sink/lane.ts";
import { createStrangers } from "../../src/sink/strangers.ts";
import type { TrackDeps } from "../../src/sink/track.ts";
import { aResponse, type FakeAnswers, fakeChain, hashOf, response, source, task } from "./fakeChain.ts";

export type Intent = {
  readonly task?: TaskAddress;
  readonly response?: ResponseAddress;
  readonly payment?: Wei;
  readonly policy?: string;
};

/** A real journal and a real signer, a chain that answers what a test says, and a record of what was done in what order. */
export type SinkBench = {
  readonly journal: Journal;
  readonly signer: Signer;
  readonly reports: Report[];
  /** `journalled HASH`, `broadcast`, …, in order. */
  readonly deeds: string[];
  readonly intend: (intent?: Intent) => Promise<Confirmation>;
  /** As the journal has them; what a node took, as the sink told, is `broadcast`, though the journal hears of it later. */
  readonly now: (ids: readonly number[]) => Promise<readonly Confirmation[]>;
  /** What `admit` and `trackRound` take. */
  readonly deps: (chain?: FakeAnswers, changes?: Partial<TrackDeps>) => TrackDeps;
  readonly remove: () => Promise<void>;
};

export const signerOfKey = (digit: string): Signer => privateKeySigner(`0x${digit.repeat(64)}`);

/** @param directory Where a journal may be already. */
export function createSinkBench(directory = mkdtempSync(join(tmpdir(), "sink-"))): SinkBench {
  const opened = openSqliteJournal({ path: join(directory, "journal.sqlite"), chainId: 1071 });
  const signer = signerOfKey("1");
  const reports: Report[] = [];
  const deeds: string[] = [];
  const lane = createLane();
  const journal: Journal = {
    ...opened,
    recordAttempts: async (attempts, fences) => {
      const recorded = await opened.recordAttempts(attempts, fences);
      deeds.push(`journalled nonce ${attempts.map(({ attempt }) => attempt.nonce).join(", ")}`);
      return recorded;
    },
  };
  const report: Reporter = (each) => void reports.push(each);
  const now = () => 0;
  const deps = { journal, ledger: openLedger(journal, now), capsOf: () => noCaps, now, report };
  const guard = createGuard(deps, unlimited);
  return {
    journal,
    signer,
    reports,
    deeds,
    now: async (ids) => {
      const sent = new Set(
        reports.flatMap((each) =>
          each.type === "confirmation" && each.confirmation.state === "broadcast" ? [each.confirmation.id] : [],
        ),
      );
      return (await journal.confirmations(ids)).map((each) =>
        each.state === "signed" && sent.has(each.id) ? { ...each, state: "broadcast" } : each,
      );
    },
    intend: async (intent = {}) => {
      const paid = { task, response, payment: wei(80n), ...intent };
      const seen = { tasks: [{ task: paid.task, source }], responses: [paid], touched: [] };
      await journal.intake(seen);
      const verdict = {
        kind: "confirm",
        reason: "",
        until: undefined,
        policy: intent.policy ?? "p",
        policyDigest: "d",
        mode: "enforce",
      } as const;
      const block = { number: 100n, hash: hashOf(100) };
      const digest = responseDigest(aResponse({ address: paid.response, task: paid.task, payment: paid.payment }));
      const made = await journal.decide([{ ...verdict, ...paid, block, payloadDigest: "", responseDigest: digest }], 0);
      if (!made) throw new Error("the journal made no intent");
      return made;
    },
    deps: (chain = {}, changes = {}) => ({
      guard,
      strangers: createStrangers(signer.address, { foreignPending: "wait", report, now: () => 0 }),
      gasFigure: createGasFigure(() => 0),
      chain: fakeChain({
        ...chain,
        broadcast: async (raw) => {
          deeds.push("broadcast");
          return chain.broadcast ? chain.broadcast(raw) : { ok: true };
        },
      }),
      journal,
      signer,
      chainId: 1071,
      controller: deploymentOn(1071)?.controller ?? "0x",
      maxFeePerGas: 1_000n,
      maxPayment: wei(1_000n),
      now: () => 0,
      lane,
      report,
      rebroadcastAfterMs: 1_000,
      receiptLagMs: 0,
      ...changes,
    }),
    remove: async () => {
      await opened.close();
      rmSync(directory, { recursive: true });
    },
  };
}
