import { join } from "node:path";
import { lastValueFrom, of, Subject, toArray } from "rxjs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ChainPort } from "../../src/chain/chainPort.ts";
import type { SocketMessage } from "../../src/chain/rpcSocket.ts";
import { chainStreams } from "../../src/chain/streams.ts";
import type { Sweep } from "../../src/chain/sweep.ts";
import type { Watch } from "../../src/chain/watch.ts";
import { RetryableError } from "../../src/errors.ts";
import { createIntakes } from "../../src/intake.ts";
import type { Cursor, Journal } from "../../src/journal/journal.ts";
import { openSqliteJournal } from "../../src/journal/sqliteJournal.ts";
import { emptyRange, fakeChain, hashOf, headAt } from "../support/fakeChain.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";
import { createVirtualTime, type VirtualTime } from "../support/virtualTime.ts";

let directory: string;
let journal: Journal;
let head: bigint;
let time: VirtualTime;
beforeEach(() => {
  directory = temporaryFolder("intake-");
  journal = openSqliteJournal({ path: join(directory, "journal.sqlite"), chainId: 1071 });
  head = 100n;
  time = createVirtualTime();
});
afterEach(() => journal.close());

const intakesOn = (
  chain: Partial<ChainPort>,
  onSweep: () => Promise<void>,
  startBlock: bigint | "head" = "head",
  onForget: () => void = () => undefined,
  beforeResolve: () => Promise<unknown> = async () => undefined,
) => {
  const sweep: Pick<Sweep, "round" | "forget"> = {
    round: async function* () {
      await onSweep();
      yield* [];
    },
    forget: onForget,
  };
  const nothing = { tasks: [], responses: [], touched: [], stored: () => undefined };
  const resolve = async () => {
    await beforeResolve();
    return nothing;
  };
  const watch: Partial<Watch> = { resolve, forget: () => undefined, rewound: () => undefined };
  return createIntakes(
    {
      chain: fakeChain({ head: async () => headAt(head), block: async (number) => headAt(number), ...chain }),
      journal,
      watch: watch as Watch,
      sweep: sweep as Sweep,
      clock: time.clock,
      report: () => undefined,
    },
    { startBlock, maxBlockRange: 100, rewind: 64, auditEveryMs: 60_000 },
  );
};

it("sets a new journal's checkpoint before the first sweep reads the state, so that nothing falls between the two", async () => {
  const asked: [bigint, bigint][] = [];
  let atSweep: Cursor | undefined;
  const events: ChainPort["events"] = async (from, to) => {
    asked.push([from, to]);
    return emptyRange(from, to);
  };
  const { reconcile, scan } = intakesOn({ events, finalBlock: async ({ number }) => number }, async () => {
    atSweep = await journal.cursor();
    // What is mined from here on, the sweep has not seen.
    head = 105n;
  });
  await lastValueFrom(of("start").pipe(reconcile, toArray()));
  expect(atSweep?.number).toBe(100n);
  // A reorg is told by it.
  expect(await journal.recentBlocks()).toEqual([atSweep]);
  await lastValueFrom(of(headAt(105n)).pipe(scan, toArray()));
  expect(asked).toEqual([[101n, 105n]]);
  expect((await journal.cursor())?.number).toBe(105n);
});

it("sets it at the next try where the node did not answer", async () => {
  let failures = 1;
  const answer = async () => {
    if (failures-- > 0) throw new RetryableError("down", { code: "ENDPOINT_UNAVAILABLE" });
    return headAt(head);
  };
  let sweeps = 0;
  const { reconcile } = intakesOn({ head: answer }, async () => {
    sweeps += 1;
  });
  const done = lastValueFrom(of("start").pipe(reconcile, toArray()));
  await time.pass(100);
  expect([sweeps, await journal.cursor()]).toEqual([0, undefined]);
  await time.pass(1_000);
  await done;
  expect([sweeps, (await journal.cursor())?.number]).toEqual([1, 100n]);
});

it.each<[string, bigint, bigint]>([
  ["waits for an endpoint that has the block before chain.startBlock, rather than skip what comes after it", 51n, 50n],
  ["begins at the head where chain.startBlock is still to come", 151n, 100n],
])("%s", async (_, startBlock, expected) => {
  let isThere = false;
  const block = async (number: bigint) => (isThere || number === head ? headAt(number) : undefined);
  const { reconcile } = intakesOn({ block }, async () => undefined, startBlock);
  const done = lastValueFrom(of("start").pipe(reconcile, toArray()));
  await time.pass(100);
  expect((await journal.cursor())?.number).toBe(startBlock > head ? expected : undefined);
  isThere = true;
  await time.pass(1_000);
  await done;
  expect((await journal.cursor())?.number).toBe(expected);
});

it("begins a new journal at no head that the node only tells of: what comes up to it would be passed over", async () => {
  const block = async (number: bigint) => (number <= 100n ? headAt(number) : undefined);
  head = 150n;
  const { reconcile } = intakesOn({ block }, async () => undefined);
  const done = lastValueFrom(of("start").pipe(reconcile, toArray()));
  await time.pass(100);
  expect(await journal.cursor()).toBeUndefined();
  head = 100n;
  await time.pass(1_000);
  await done;
  expect((await journal.cursor())?.number).toBe(100n);
});

it("reads a block that a node has later than the socket that told of it, though no other block comes", async () => {
  const socket$ = new Subject<SocketMessage>();
  const nothing = () => undefined;
  const { head$ } = chainStreams(
    { clock: time.clock, pollIntervalMs: 1_000, socket$, report: nothing },
    { head: async () => headAt(head), heard: () => true, onUp: nothing, onHead: nothing },
  );
  const { scan } = intakesOn({ events: emptyRange, finalBlock: async ({ number }) => number }, async () => undefined);
  const scanning = head$.pipe(scan).subscribe();
  await time.pass(100);
  socket$.next({ type: "head", head: headAt(101n) });
  await time.pass(100);
  head = 101n;
  await time.pass(15_000);
  scanning.unsubscribe();
  expect((await journal.cursor())?.number).toBe(101n);
});

describe("the second pass", () => {
  const audited = async () => (await journal.audited())?.number;
  /** Scanned from 100 to 150, with an endpoint for second opinions that answers as told. */
  const audit = async (eventsElsewhere: ChainPort["eventsElsewhere"]) => {
    const asked: [bigint, bigint][] = [];
    const { scan, audit: look } = intakesOn(
      {
        finalBlock: async ({ number }) => number,
        events: emptyRange,
        eventsElsewhere: async (from, to) => {
          asked.push([from, to]);
          return eventsElsewhere(from, to);
        },
      },
      async () => undefined,
    );
    await lastValueFrom(of(headAt(head)).pipe(scan, toArray()));
    head = 150n;
    await lastValueFrom(of(headAt(head)).pipe(scan, toArray()));
    const done = lastValueFrom(of(headAt(head)).pipe(look, toArray()));
    return { asked, done };
  };

  it("asks for less where its endpoint takes fewer blocks at once, and catches up all the same", async () => {
    const { asked, done } = await audit(async (from, to) => {
      if (to - from >= 10n) throw new RetryableError("block range is too wide", { code: "RPC_REFUSED" });
      return emptyRange(from, to);
    });
    await done;
    expect(await audited()).toBe(150n);
    expect(asked.slice(0, 5)).toEqual([
      [101n, 150n],
      [101n, 125n],
      [101n, 112n],
      [101n, 106n],
      [107n, 113n],
    ]);
    expect(asked.length).toBeLessThan(20);
  });

  it("tries again later where a single block is too much, and where nothing narrower would help", async () => {
    for (const message of ["response size exceeded", "it is down"]) {
      const { asked, done } = await audit(async () => {
        throw new RetryableError(message, { code: "ENDPOINT_UNAVAILABLE" });
      });
      await expect(Promise.race([done, time.pass(100)])).resolves.toBeUndefined();
      expect([await audited(), asked.length]).toEqual([100n, message === "it is down" ? 1 : 6]);
    }
  });

  it("reads what its endpoint has, where that hangs behind the final block for ever", async () => {
    const { asked, done } = await audit(async (from, to) => {
      if (to > 130n) throw new RetryableError("it does not have its last block", { code: "NODE_BEHIND" });
      return emptyRange(from, to);
    });
    await Promise.race([done, time.pass(1_000)]);
    expect(asked).toEqual([
      [101n, 150n],
      [101n, 118n],
    ]);
    expect(await audited()).toBe(118n);
  });

  it("does not go by a block that was not asked for", async () => {
    const { done } = await audit(async (from) => emptyRange(from, 120n));
    await done;
    expect(await audited()).toBe(100n);
  });
});

describe("a reorg far below finality", () => {
  /** A chain that was read up to 300, and of which every block above 150 is another one as soon as it forks. */
  const openFork = async () => {
    let forkedAt = 1_000n;
    let forgot = 0;
    const blockAt = (number: bigint) => {
      const branch = (each: bigint) => (each > forkedAt ? each + 10_000n : each);
      return headAt(number, { hash: hashOf(branch(number)), parentHash: hashOf(branch(number - 1n)) });
    };
    const scanned: [bigint, bigint][] = [];
    const audited: [bigint, bigint][] = [];
    /** Stands between the second pass and what it was answered. */
    const between = { answer: async () => undefined as unknown };
    const intakes = intakesOn(
      {
        head: async () => blockAt(head),
        block: async (number) => (number <= head ? blockAt(number) : undefined),
        blocks: async (from, to) =>
          Array.from({ length: Number(to - from) + 1 }, (_, at) => blockAt(from + BigInt(at))),
        finalBlock: async ({ number }) => number - 3n,
        events: async (from, to) => {
          scanned.push([from, to]);
          return emptyRange(from, to, blockAt);
        },
        eventsOfBlocks: async () => [],
        eventsElsewhere: async (from, to) => {
          audited.push([from, to]);
          return emptyRange(from, to, blockAt);
        },
      },
      async () => undefined,
      "head",
      () => {
        forgot += 1;
      },
      async () => between.answer(),
    );
    const run = (way: "scan" | "audit") => lastValueFrom(of(headAt(head)).pipe(intakes[way], toArray()));
    for (head = 100n; head < 300n; head += 10n) await run("scan");
    await run("scan");
    const fork = () => {
      forkedAt = 150n;
    };
    return { run, fork, scanned, audited, between, forgot: () => forgot };
  };

  it("has every block above the fork read anew, in both passes, and the state looked through from the beginning", async () => {
    const { run, fork, scanned, audited, forgot } = await openFork();
    await run("audit");
    await run("audit");
    expect((await journal.audited())?.number).toBe(297n);
    fork();
    scanned.length = 0;
    await run("scan");
    expect(scanned[0]?.[0]).toBeLessThanOrEqual(151n);
    expect((await journal.cursor())?.hash).toBe(hashOf(head + 10_000n));
    expect((await journal.audited())?.number).toBeLessThanOrEqual(150n);
    expect(forgot()).toBe(1);
    audited.length = 0;
    await run("audit");
    expect(audited[0]?.[0]).toBe(scanned[0]?.[0]);
  });

  it("leaves nothing of a second pass that was under way when it was found", async () => {
    const { run, fork, between } = await openFork();
    between.answer = async () => {
      between.answer = async () => undefined;
      fork();
      await run("scan");
    };
    await run("audit");
    expect((await journal.cursor())?.hash).toBe(hashOf(head + 10_000n));
    expect((await journal.audited())?.number).toBeLessThanOrEqual(150n);
  });
});
