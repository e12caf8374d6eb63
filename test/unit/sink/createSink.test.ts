import { BehaviorSubject, Subject } from "rxjs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ChainPort, Head } from "../../../src/chain/chainPort.ts";
import { FatalError, RetryableError } from "../../../src/errors.ts";
import type { Confirmation } from "../../../src/journal/journal.ts";
import {
  type Hash,
  type ResponseAddress,
  type TaskAddress,
  toNonce,
  type Wei,
  wei,
} from "../../../src/protocol/brand.ts";
import { TaskStatus } from "../../../src/protocol/statuses.ts";
import type { Signer } from "../../../src/signer/signerPort.ts";
import { createSink, type SinkOptions } from "../../../src/sink/createSink.ts";
import { unlimited } from "../../../src/sink/guardrails/guard.ts";
import { pausePaying, resumePaying } from "../../../src/sink/guardrails/pausing.ts";
import {
  address,
  aReceipt,
  aResponse,
  aSnapshot,
  aTask,
  type FakeAnswers,
  fakeChain,
  headAt,
  snapshotOf,
} from "../../support/fakeChain.ts";
import { createSinkBench, type Intent, type SinkBench, signerOfKey } from "../../support/sinkBench.ts";
import { createVirtualTime, type VirtualTime } from "../../support/virtualTime.ts";

let bench: SinkBench;
let time: VirtualTime;
let head$: BehaviorSubject<Head>;
beforeEach(() => {
  bench = createSinkBench();
  time = createVirtualTime();
  head$ = new BehaviorSubject(headAt(100n));
});
afterEach(() => bench.remove());

const second: Intent = { task: address<TaskAddress>(0x1b), response: address<ResponseAddress>(0x3b) };
const receipt = (hash: Hash) => aReceipt(hash);

/** Subscribes a sink; what it settles, and how it ends. */
const start = (
  chain: FakeAnswers,
  signer: Signer | readonly Signer[] = bench.signer,
  options: Partial<SinkOptions> = {},
) => {
  const sink = createSink(
    {
      ...bench.deps(),
      clock: time.clock,
      signers: [signer].flat(),
      chain: fakeChain({ head$, head: async () => head$.value, snapshot: snapshotOf, ...chain }),
    },
    { rebroadcastAfterMs: 30_000, receiptLagMs: 0, maxInFlight: 2, ...options },
  );
  const intents$ = new Subject<Confirmation>();
  const run = { settled: [] as Confirmation[], ended: undefined as unknown, intents$ };
  const subscription = sink.pay(intents$).subscribe({
    next: (confirmation) => run.settled.push(confirmation),
    error: (error) => {
      run.ended = error;
    },
    complete: () => {
      run.ended = "complete";
    },
  });
  return { ...run, run, stop: () => subscription.unsubscribe() };
};
const several = async (count: number): Promise<readonly Confirmation[]> => {
  const made: Confirmation[] = [];
  for (let digit = 1; digit <= count; digit++) {
    const intent = { task: address<TaskAddress>(0x110 + digit), response: address<ResponseAddress>(0x130 + digit) };
    made.push(await bench.intend(intent));
  }
  return made;
};
const now = async ({ id }: Pick<Confirmation, "id">) => (await bench.now([id]))[0];
const stateOf = async (confirmation: Confirmation) => (await now(confirmation))?.state;

describe("the sink", () => {
  it("lets the others pass when one cannot be admitted, and comes back to it", async () => {
    let isThere = false;
    const { intents$, stop } = start({
      snapshot: async (task, ...rest) => {
        if (task === second.task || isThere) return snapshotOf(task, ...rest);
        throw new RetryableError("the node does not have the task", { code: "NODE_BEHIND" });
      },
    });
    await time.pass(50);
    const stuck = await bench.intend();
    const free = await bench.intend(second);
    intents$.next(stuck);
    intents$.next(free);
    await time.pass(5_000);
    expect([await stateOf(stuck), await stateOf(free)]).toEqual(["intended", "broadcast"]);
    isThere = true;
    await time.pass(15_000);
    expect(await stateOf(stuck)).toBe("broadcast");
    stop();
  });

  it("offers no more on a chain that stands still, also where nothing was in flight before, and tells of it when it does", async () => {
    const { intents$, stop } = start({}, bench.signer, { replaceAfterBlocks: 2 });
    await time.pass(50);
    head$.next(headAt(150n));
    await time.pass(50);
    const sent = await bench.intend();
    intents$.next(sent);
    await time.pass(95_000);
    expect((await now(sent))?.attempts.length).toBe(1);
    head$.next(headAt(152n));
    await time.pass(31_000);
    expect((await now(sent))?.attempts.length).toBe(2);
    const told = bench.reports.flatMap((each) =>
      each.type === "confirmation" ? [[each.confirmation.state, each.confirmation.attempts.length]] : [],
    );
    expect(told).toEqual([
      ["signed", 1],
      ["broadcast", 1],
      ["signed", 2],
      ["broadcast", 2],
    ]);
    stop();
  });

  it("asks at a head for fees and counts where a task is open, and else for nothing", async () => {
    let asked = 0;
    const { stop } = start({
      fees: async () => {
        asked += 1;
        return { type: "legacy", gasPrice: 1_000n };
      },
      minedNonce: async () => {
        asked += 1;
        return toNonce(0);
      },
    });
    const askedAtHead = async (number: bigint) => {
      asked = 0;
      head$.next(headAt(number));
      await time.pass(1_000);
      return asked;
    };
    await askedAtHead(101n);
    expect(await askedAtHead(102n)).toBe(0);
    await bench.intend();
    expect([await askedAtHead(103n), await askedAtHead(104n)]).toEqual([2, 2]);
    stop();
  });

  it("asks for fees and counts beside the state of what is to be paid, where none was expected", async () => {
    const asked: string[] = [];
    const { intents$, stop } = start({
      fees: async () => {
        asked.push("fees");
        return { type: "legacy", gasPrice: 1_000n };
      },
      snapshot: async (task, ...rest) => {
        asked.push("state");
        return snapshotOf(task, ...rest);
      },
    });
    await time.pass(50);
    head$.next(headAt(101n));
    await time.pass(50);
    asked.length = 0;
    intents$.next(await bench.intend());
    await time.pass(50);
    expect(asked.slice(0, 2)).toEqual(["fees", "state"]);
    stop();
  });

  it("admits together what comes in one breath", async () => {
    const asked: number[] = [];
    const { previews } = fakeChain({ snapshot: snapshotOf });
    const counted: ChainPort["previews"] = (asks) => {
      asked.push(asks.length);
      return previews(asks);
    };
    const { intents$, stop } = start({ previews: counted }, bench.signer, { maxInFlight: 16 });
    await time.pass(50);
    const [first, ...others] = (await several(4)) as [Confirmation, ...Confirmation[]];
    intents$.next(first);
    await time.pass(50);
    for (const intent of others) intents$.next(intent);
    await time.pass(50);
    expect(asked).toEqual([1, 3]);
    stop();
  });

  it("keeps no more in flight than it may", async () => {
    const mined = new Set<Hash>();
    const { intents$, stop } = start({ receipt: async (hash) => (mined.has(hash) ? receipt(hash) : undefined) });
    await time.pass(50);
    const intents: Confirmation[] = [];
    for (let digit = 1; digit <= 3; digit++) {
      const intent = { task: address<TaskAddress>(0x10 + digit), response: address<ResponseAddress>(0x30 + digit) };
      intents.push(await bench.intend(intent));
    }
    for (const intent of intents) intents$.next(intent);
    await time.pass(1_000);
    expect(await Promise.all(intents.map(stateOf))).toEqual(["broadcast", "broadcast", "intended"]);
    const [first] = (await bench.journal.confirmation(intents[0]?.id ?? 0)).attempts;
    if (first) mined.add(first.hash);
    head$.next(headAt(101n));
    await time.pass(1_000);
    expect(await Promise.all(intents.map(stateOf))).toEqual(["mined", "broadcast", "broadcast"]);
    stop();
  });

  it("looks again at what was checked a while before its turn to be signed came", async () => {
    const gate = Promise.withResolvers<void>();
    const signer: Signer = {
      ...bench.signer,
      sign: async (transaction) => {
        if (transaction.nonce === 50) await gate.promise;
        return bench.signer.sign(transaction);
      },
    };
    const intents = await several(103);
    const [still, settled] = intents.slice(-2) as [Confirmation, Confirmation];
    let isOver = false;
    const closed: ChainPort["snapshot"] = async (task) =>
      aSnapshot({ task: aTask({ status: TaskStatus.FINALIZED, address: task }) });
    const { intents$, stop } = start(
      { snapshot: (task, ...rest) => (isOver && task === settled.task ? closed : snapshotOf)(task, ...rest) },
      signer,
      { maxInFlight: 200 },
    );
    await time.pass(50);
    for (const intent of intents) intents$.next(intent);
    await time.pass(3_000);
    isOver = true;
    expect([await stateOf(still), await stateOf(settled)]).toEqual(["intended", "intended"]);
    gate.resolve();
    await time.pass(500);
    expect([await stateOf(still), await stateOf(settled)]).toEqual(["broadcast", "superseded"]);
    stop();
  });

  it("ends when it is told to and nothing that was signed is unmined; what is not signed stays an intent", async () => {
    const mined = new Set<Hash>();
    const { intents$, run } = start({
      receipt: async (hash) => (mined.has(hash) ? receipt(hash) : undefined),
      snapshot: async (task, ...rest) => {
        if (task !== second.task) return snapshotOf(task, ...rest);
        throw new RetryableError("down", { code: "ENDPOINT_UNAVAILABLE" });
      },
    });
    await time.pass(50);
    const signed = await bench.intend();
    const waiting = await bench.intend(second);
    intents$.next(signed);
    intents$.next(waiting);
    await time.pass(200);
    intents$.complete();
    await time.pass(60_000);
    expect(run.ended).toBeUndefined();
    const [attempt] = (await bench.journal.confirmation(signed.id)).attempts;
    if (attempt) mined.add(attempt.hash);
    head$.next(headAt(101n));
    await time.pass(1_000);
    expect(run.ended).toBe("complete");
    expect([await stateOf(signed), await stateOf(waiting)]).toEqual(["mined", "intended"]);
  });

  it("goes on after a restart with the bytes that were signed, and pays what was intended", async () => {
    const signed = await bench.intend();
    const before = start({});
    await time.pass(1_000);
    before.stop();
    const { attempts } = await bench.journal.confirmation(signed.id);
    const intended = await bench.intend(second);
    const sent: string[] = [];
    const after = start({
      broadcast: async (raw) => {
        sent.push(raw);
        return { ok: true };
      },
    });
    await time.pass(1_000);
    expect(sent).toContain(attempts[0]?.raw);
    expect((await bench.journal.confirmation(signed.id)).attempts).toEqual(attempts);
    expect(await now(intended)).toMatchObject({ state: "broadcast", nonce: 1 });
    after.stop();
  });

  it("does not take a new key's nonces for those of the key that signed", async () => {
    const signed = await bench.intend();
    const before = start({}, signerOfKey("2"));
    await time.pass(1_000);
    before.stop();
    const counts: ChainPort["minedNonce"] = async (account) => toNonce(account === bench.signer.address ? 500 : 0);
    const after = start({ minedNonce: counts });
    await time.pass(100_000);
    const { state, attempts } = await bench.journal.confirmation(signed.id);
    expect([state, attempts.length]).toEqual(["broadcast", 1]);
    after.stop();
  });

  it("admits anew what a stranger displaced", async () => {
    let strangers = 0;
    const { intents$, stop } = start({ minedNonce: async () => toNonce(strangers) });
    await time.pass(50);
    const intent = await bench.intend();
    intents$.next(intent);
    await time.pass(1_000);
    strangers = 1;
    head$.next(headAt(101n));
    await time.pass(11_000);
    expect(await now(intent)).toMatchObject({ state: "broadcast", nonce: 1 });
    stop();
  });

  it("signs nothing while paying is paused, and what waited goes first, in order, when somebody resumes", async () => {
    const { intents$, stop } = start({}, bench.signer, { maxInFlight: 16 });
    await time.pass(50);
    await pausePaying(bench.journal, { who: "alice", why: "audit" }, 0);
    const intents = await several(3);
    for (const at of [2, 0]) intents$.next(intents[at] as Confirmation);
    await time.pass(500);
    expect(bench.reports).toContainEqual({ type: "paused", by: "operator", who: "alice", why: "audit", at: 0 });
    await resumePaying(bench.journal, { who: "bob", why: "done" }, 1);
    intents$.next(intents[1] as Confirmation);
    await time.pass(1_000);
    const paid = await bench.now(intents.map(({ id }) => id));
    expect(paid.map(({ state }) => state)).toEqual(["broadcast", "broadcast", "broadcast"]);
    expect(paid.map(({ nonce }) => nonce)).toEqual([0, 2, 1]);
    stop();
  });

  it("pays in order what waited, where the end of the pause is noticed at a head", async () => {
    const { intents$, stop } = start({}, bench.signer, { maxInFlight: 16 });
    await time.pass(50);
    await pausePaying(bench.journal, { who: "alice", why: "audit" }, 0);
    const intents = await several(3);
    for (const intent of intents.toReversed()) intents$.next(intent);
    await time.pass(500);
    await resumePaying(bench.journal, { who: "bob", why: "done" }, 1);
    head$.next(headAt(101n));
    await time.pass(1_000);
    const paid = await Promise.all(intents.map(({ id }) => bench.journal.confirmation(id)));
    expect(paid.map(({ nonce }) => nonce)).toEqual([0, 1, 2]);
    stop();
  });

  it("notices a pause and its end at the next head, also where nothing is to be paid", async () => {
    const { stop } = start({});
    await time.pass(50);
    await pausePaying(bench.journal, { who: "alice", why: "audit" }, 0);
    head$.next(headAt(101n));
    await time.pass(100);
    await resumePaying(bench.journal, { who: "bob", why: "done" }, 1);
    head$.next(headAt(102n));
    await time.pass(100);
    expect(bench.reports.filter(({ type }) => type !== "key" && type !== "funds")).toEqual([
      { type: "paused", by: "operator", who: "alice", why: "audit", at: 0 },
      { type: "resumed", who: "bob", why: "done" },
    ]);
    stop();
  });

  it("holds at a ceiling what would pass it, and pays it in order when there is room", async () => {
    const guardrails = { ...unlimited, perHour: wei(160n) };
    const { intents$, stop } = start({}, bench.signer, { maxInFlight: 16, guardrails });
    await time.pass(50);
    const intents = await several(4);
    for (const intent of intents) intents$.next(intent);
    await time.pass(1_000);
    expect(await Promise.all(intents.map(stateOf))).toEqual(["broadcast", "broadcast", "intended", "intended"]);
    await time.pass(3_590_000);
    expect(await Promise.all(intents.map(stateOf))).toEqual(["broadcast", "broadcast", "intended", "intended"]);
    await time.pass(12_000);
    const paid = await Promise.all(intents.map(({ id }) => bench.journal.confirmation(id)));
    expect(paid.map(({ nonce }) => nonce)).toEqual([0, 1, 2, 3]);
    expect(bench.reports.filter(({ type }) => type === "ceiling")).toMatchObject([
      { reached: true },
      { reached: false },
    ]);
    stop();
  });

  it("signs nothing of what is withdrawn while it is signed, goes on, and leaves no gap in the nonces", async () => {
    const { journal } = bench;
    const withdrawn: number[] = [];
    let signatures = 0;
    const signer: Signer = {
      ...bench.signer,
      sign: async (transaction) => {
        signatures += 1;
        if (signatures === 1) {
          await pausePaying(journal, { who: "ann", why: "a bad policy" }, 0);
          await journal.withdraw(withdrawn, "withdrawn by ann: it pays for nothing");
        }
        return bench.signer.sign(transaction);
      },
    };
    const { intents$, run, stop } = start({}, signer, { maxInFlight: 16 });
    await time.pass(50);
    const intents = await several(3);
    const [first, second, third] = intents as [Confirmation, Confirmation, Confirmation];
    withdrawn.push(first.id, third.id);
    for (const intent of intents) intents$.next(intent);
    await time.pass(30_000);
    expect(signatures).toBe(3);
    expect(run.ended).toBeUndefined();
    expect(await Promise.all(intents.map(stateOf))).toEqual(["rejected", "intended", "rejected"]);
    expect(await journal.highestNonce(bench.signer.address)).toBeUndefined();
    expect(bench.deeds).toEqual([]);
    expect(run.settled.map(({ id, state }) => [id, state])).toEqual([
      [first.id, "rejected"],
      [third.id, "rejected"],
    ]);
    await resumePaying(journal, { who: "ann", why: "done" }, 1);
    await time.pass(15_000);
    expect(await now(second)).toMatchObject({ state: "broadcast", nonce: 0 });
    expect((await journal.gasSpent({ since: -1, after: undefined, limit: 9 })).map(({ nonce }) => nonce)).toEqual([0]);
    stop();
  });

  it("gives the place of what is withdrawn under a ceiling to those that wait behind it", async () => {
    const { journal } = bench;
    const prices = new Map<ResponseAddress, Wei>();
    const approve = async (digit: number, payment: Wei) => {
      const [task, response] = [address<TaskAddress>(0x110 + digit), address<ResponseAddress>(0x130 + digit)];
      prices.set(response, payment);
      return bench.intend({ task, response, payment });
    };
    const guardrails = { ...unlimited, perHour: wei(100n) };
    const priced: ChainPort["snapshot"] = async (task, _, [response]) => {
      const payment = prices.get(response as ResponseAddress) as Wei;
      const responses = response ? [aResponse({ address: response, task, payment })] : [];
      return aSnapshot({ task: aTask({ address: task }), responses });
    };
    const { intents$, stop } = start({ snapshot: priced }, bench.signer, { maxInFlight: 16, guardrails });
    await time.pass(50);
    const intents = [await approve(1, wei(80n)), await approve(2, wei(80n)), await approve(3, wei(10n))];
    for (const intent of intents) intents$.next(intent);
    await time.pass(130_000);
    expect(await Promise.all(intents.map(stateOf))).toEqual(["broadcast", "intended", "intended"]);
    await pausePaying(journal, { who: "ann", why: "a bad policy" }, 0);
    await journal.withdraw([intents[1]?.id ?? 0], "withdrawn by ann: too dear");
    await resumePaying(journal, { who: "ann", why: "done" }, 1);
    await time.pass(130_000);
    expect(await Promise.all(intents.map(stateOf))).toEqual(["broadcast", "rejected", "broadcast"]);
    stop();
  });

  it("stops with the error when the journal contradicts itself", async () => {
    const fatal = new FatalError("contradiction", { code: "NONCE_CONFLICT" });
    const { intents$, run } = start({
      simulateConfirm: async () => {
        throw fatal;
      },
    });
    await time.pass(50);
    intents$.next(await bench.intend());
    await time.pass(1_000);
    expect(run.ended).toBe(fatal);
  });

  it("signs nothing of the next batch, read beside it, when the one before finds that the journal contradicts itself", async () => {
    const fatal = new FatalError("contradiction", { code: "NONCE_CONFLICT" });
    let signed = 0;
    const signer: Signer = {
      ...bench.signer,
      sign: (transaction) => {
        signed += 1;
        return bench.signer.sign(transaction);
      },
    };
    const intents = await several(150);
    const { intents$, run } = start(
      {
        simulateConfirm: async (_, response) => {
          if (response === intents[0]?.response) {
            // By then the next batch is read, and waits for its turn to be signed.
            await new Promise((resolve) => time.clock.scheduler.schedule(resolve, 100));
            throw fatal;
          }
          return { ok: true, gas: 100_000n };
        },
      },
      signer,
      { maxInFlight: 200 },
    );
    await time.pass(50);
    for (const intent of intents) intents$.next(intent);
    await time.pass(1_000);
    expect(run.ended).toBe(fatal);
    expect(signed).toBe(0);
    expect(new Set(await Promise.all(intents.map(stateOf)))).toEqual(new Set(["intended"]));
  });
});
