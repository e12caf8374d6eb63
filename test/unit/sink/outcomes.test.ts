import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RetryableError } from "../../../src/errors.ts";
import type { Confirmation, Journal } from "../../../src/journal/journal.ts";
import { openSqliteJournal } from "../../../src/journal/sqliteJournal.ts";
import { type ResponseAddress, type TaskAddress, toNonce } from "../../../src/protocol/brand.ts";
import { TaskStatus } from "../../../src/protocol/statuses.ts";
import { noCaps } from "../../../src/sink/guardrails/caps.ts";
import { createGuard, unlimited } from "../../../src/sink/guardrails/guard.ts";
import { openLedger } from "../../../src/sink/guardrails/openLedger.ts";
import { createLane } from "../../../src/sink/lane.ts";
import { broadcastAll } from "../../../src/sink/send.ts";
import { type TrackDeps, trackRound } from "../../../src/sink/track.ts";
import { admit } from "../../support/admit.ts";
import {
  address,
  aResponse,
  aSnapshot,
  aTask,
  type FakeAnswers,
  hashOf,
  headAt,
  snapshotOf,
} from "../../support/fakeChain.ts";
import { createSinkBench, type SinkBench } from "../../support/sinkBench.ts";
import { temporaryFolder } from "../../support/temporaryFolder.ts";

let bench: SinkBench;
let folder: string;
const opened: Journal[] = [];
beforeEach(() => {
  bench = createSinkBench();
  folder = temporaryFolder("outcomes-");
});
afterEach(async () => {
  for (const journal of opened.splice(0)) await journal.close();
  await bench.remove();
});

/** What a daemon is made of; another one on the same journal knows what that holds, and nothing else. */
const daemonOn = (journal: Journal, revertsToPause: number): Pick<TrackDeps, "journal" | "guard" | "lane"> => {
  const now = () => 0;
  const ledger = openLedger(journal, now);
  const deps = { journal, ledger, capsOf: () => noCaps, now, report: () => undefined };
  return { journal, lane: createLane(), guard: createGuard(deps, { ...unlimited, revertsToPause }) };
};
type Own = ReturnType<typeof daemonOn>;

/** Another response stands where the approved one stood. */
const swapped: FakeAnswers["snapshot"] = async (task, _, [response]) =>
  aSnapshot({
    task: aTask({ address: task }),
    responses: response ? [aResponse({ address: response, task, provider: address(0x99) })] : [],
  });
const settled = (succeeded: boolean): FakeAnswers => ({
  snapshot: snapshotOf,
  head: async () => headAt(101n),
  receipt: async (hash) => {
    return { hash, blockNumber: 97n, blockHash: hashOf(97), succeeded, gasUsed: 1n, gasPrice: 1n };
  },
});
let made = 0;
const send = async (own: Own): Promise<Confirmation> => {
  made += 1;
  const paid = { task: address<TaskAddress>(0x100 + made), response: address<ResponseAddress>(0x200 + made) };
  const { id } = await bench.intend(paid);
  const deps = bench.deps({ snapshot: snapshotOf, minedNonce: async () => toNonce(0) }, own);
  const { confirmation } = await admit(deps, id);
  await broadcastAll(deps, [confirmation]);
  return confirmation;
};
const round = (own: Own, chain: FakeAnswers) => trackRound(bench.deps(chain, own));

/** The disk as it was when the process stopped, opened by the next one. */
const afterCrash = async (): Promise<Journal> => {
  const path = join(folder, `${opened.length}.sqlite`);
  await bench.journal.backup(path);
  const journal = openSqliteJournal({ path, chainId: 1071 });
  opened.push(journal);
  return journal;
};
/** A journal that answers nothing any more once it has committed what became of a confirmation. */
const stopsAfterChange = (stopped: () => void): Journal => {
  const { journal } = bench;
  const never = new Promise<never>(() => undefined);
  let isAlive = true;
  const dying = Object.entries(journal).map(([name, method]) => [
    name,
    async (...args: readonly unknown[]) => {
      if (!isAlive) return never;
      const answer = await (method as (...given: readonly unknown[]) => Promise<unknown>)(...args);
      if (name !== "changeConfirmations") return answer;
      isAlive = false;
      stopped();
      return never;
    },
  ]);
  return Object.fromEntries(dying) as Journal;
};
/** Lets a daemon die as soon as it has committed what became of a confirmation. */
const dieIn = async (own: Own, chain: FakeAnswers): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<void>();
  void round({ ...own, ...{ journal: stopsAfterChange(resolve) } }, chain);
  await promise;
};

describe("what became of a confirmation", () => {
  it.each([
    ["is tried anew", settled(false), "intended"],
    ["is given up for good", { ...settled(false), snapshot: swapped }, "cancelled"],
  ] as const)(
    "counts for the circuit breaker also where the process dies right after it is stored, and it %s",
    async (_, chain, state) => {
      const own = daemonOn(bench.journal, 1);
      const { id } = await send(own);
      await dieIn(own, chain);
      const journal = await afterCrash();
      expect((await journal.confirmation(id)).state).toBe(state);
      expect(await daemonOn(journal, 1).guard.isPaused()).toBe(true);
    },
  );

  it("begins the count anew where it is paid, also where the process dies right after that is stored", async () => {
    const own = daemonOn(bench.journal, 2);
    await send(own);
    await round(own, settled(false));
    await send(own);
    await dieIn(own, settled(true));
    const next = daemonOn(bench.journal, 2);
    await send(next);
    await round(next, settled(false));
    expect(await next.guard.isPaused()).toBe(false);
    await send(next);
    await round(next, settled(false));
    expect(await next.guard.isPaused()).toBe(true);
  });

  it("is counted once, also where nobody heard that it was stored, and it is stored again", async () => {
    const own = daemonOn(bench.journal, 2);
    await send(own);
    const lossy: Journal = {
      ...bench.journal,
      changeConfirmations: async (...args) => {
        await bench.journal.changeConfirmations(...args);
        throw new RetryableError("the connection is lost", { code: "LOST" });
      },
    };
    await round({ ...own, journal: lossy }, settled(false));
    await round(own, settled(false));
    expect(await own.guard.isPaused()).toBe(false);
    await send(own);
    await round(own, settled(false));
    expect(await own.guard.isPaused()).toBe(true);
  });

  it("is no sign against what is paid where it reverted because somebody else had settled its task", async () => {
    const own = daemonOn(bench.journal, 1);
    const { id } = await send(own);
    const closed: FakeAnswers["snapshot"] = async (task) =>
      aSnapshot({ task: aTask({ address: task, status: TaskStatus.FINALIZED }) });
    await round(own, { ...settled(false), snapshot: closed });
    expect((await bench.journal.confirmation(id)).state).toBe("superseded");
    expect(await own.guard.isPaused()).toBe(false);
  });

  it("pauses at once: the daemon knows it before the round is over", async () => {
    const own = daemonOn(bench.journal, 1);
    await send(own);
    await round(own, settled(false));
    expect(own.guard.wasPaused()).toBe(true);
  });
});
