import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BehaviorSubject, Subject } from "rxjs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ChainPort, Head } from "../../../src/chain/chainPort.ts";
import type { Confirmation } from "../../../src/journal/journal.ts";
import { commandOwner } from "../../../src/journal/leaseJournal.ts";
import { openSqliteJournal } from "../../../src/journal/sqliteJournal.ts";
import {
  type AccountAddress,
  type Hash,
  type ResponseAddress,
  type TaskAddress,
  toNonce,
  wei,
} from "../../../src/protocol/brand.ts";
import type { Signer } from "../../../src/signer/signerPort.ts";
import { createSink, type SinkOptions } from "../../../src/sink/createSink.ts";
import { address, aReceipt, type FakeAnswers, fakeChain, headAt, snapshotOf } from "../../support/fakeChain.ts";
import { createSinkBench, type SinkBench, signerOfKey } from "../../support/sinkBench.ts";
import { createVirtualTime, type VirtualTime } from "../../support/virtualTime.ts";

const [first, second] = [signerOfKey("1"), signerOfKey("2")];
let bench: SinkBench;
let time: VirtualTime;
let head$: BehaviorSubject<Head>;
beforeEach(() => {
  bench = createSinkBench();
  time = createVirtualTime();
  head$ = new BehaviorSubject(headAt(100n));
});
afterEach(() => bench.remove());

const start = async (
  signers: readonly Signer[],
  chain: FakeAnswers = {},
  options: Partial<SinkOptions> = {},
  owner = "this one",
) => {
  const sink = createSink(
    {
      ...bench.deps(),
      clock: time.clock,
      signers,
      owner,
      chain: fakeChain({ head$, head: async () => head$.value, snapshot: snapshotOf, ...chain }),
    },
    { rebroadcastAfterMs: 30_000, receiptLagMs: 0, maxInFlight: 16, ...options },
  );
  const intents$ = new Subject<Confirmation>();
  const run = { ended: undefined as unknown };
  const subscription = sink.pay(intents$).subscribe({
    error: (error) => {
      run.ended = error;
    },
  });
  await time.pass(50);
  return {
    run,
    stop: () => subscription.unsubscribe(),
    pay: (all: readonly Confirmation[]) => all.forEach((each) => void intents$.next(each)),
  };
};

let made = 0;
const intend = async (count: number): Promise<readonly Confirmation[]> => {
  const all: Confirmation[] = [];
  for (let index = 0; index < count; index++) {
    made += 1;
    const intent = { task: address<TaskAddress>(0x1000 + made), response: address<ResponseAddress>(0x2000 + made) };
    all.push(await bench.intend(intent));
  }
  return all;
};
const now = (all: readonly Confirmation[]) => bench.now(all.map(({ id }) => id));
/** The nonces that each key has signed, in the order of the confirmations. */
const nonces = async (all: readonly Confirmation[], { address: signer }: Signer) =>
  (await now(all)).flatMap(({ attempts }) => (attempts.at(-1)?.signer === signer ? [attempts.at(-1)?.nonce] : []));
const keyReports = (signer: Signer) =>
  bench.reports.flatMap((each) => (each.type === "key" && each.signer === signer.address ? [each.state] : []));
const receiptOf = (hash: Hash) => aReceipt(hash, 1_000n);
const newHead = async () => {
  head$.next(headAt(head$.value.number + 1n));
  await time.pass(1_000);
};

describe("several keys", () => {
  it("share the load, each with nonces of its own without a gap, and every confirmation is signed once", async () => {
    const { pay, stop } = await start([first, second]);
    const all = await intend(20);
    pay(all);
    await time.pass(2_000);
    const ten = Array.from({ length: 10 }, (_, nonce) => nonce);
    expect([await nonces(all, first), await nonces(all, second)]).toEqual([ten, ten]);
    expect((await now(all)).every(({ state, attempts }) => state === "broadcast" && attempts.length === 1)).toBe(true);
    stop();
  });

  it("go on while one of them is stuck", async () => {
    const stuck = new Set<Hash>();
    const receipt = async (hash: Hash) => (stuck.has(hash) ? undefined : receiptOf(hash));
    const watched: Signer = {
      ...first,
      sign: async (transaction) => {
        const signed = await first.sign(transaction);
        stuck.add(signed.hash);
        return signed;
      },
    };
    const { pay, stop } = await start([watched, second], { receipt }, { maxInFlight: 2 });
    const all = await intend(10);
    pay(all);
    for (let heads = 0; heads < 6; heads++) await newHead();
    const states = (await now(all)).map(({ state, attempts }) => [attempts[0]?.signer === first.address, state]);
    expect(states.filter(([isFirst]) => isFirst)).toEqual(Array(2).fill([true, "broadcast"]));
    expect(states.filter(([isFirst]) => !isFirst)).toEqual(Array(8).fill([false, "mined"]));
    stop();
  });

  it("keep what each has signed after a restart, also where it is not configured any more", async () => {
    const all = await intend(4);
    const before = await start([first, second]);
    await time.pass(1_000);
    before.stop();
    const signed = await now(all);
    const sent: string[] = [];
    const broadcast = async (raw: string) => {
      sent.push(raw);
      return { ok: true } as const;
    };
    const [fresh] = await intend(1);
    const after = await start([second], { broadcast });
    await time.pass(70_000);
    const ours = signed.filter(({ attempts }) => attempts[0]?.signer === first.address);
    for (const { id, attempts } of ours) {
      expect(sent).toContain(attempts[0]?.raw);
      expect((await bench.journal.confirmation(id)).attempts).toEqual(attempts);
    }
    expect(ours).toHaveLength(2);
    const paid = await bench.journal.confirmation(fresh?.id ?? 0);
    expect([paid.state, paid.nonce]).toEqual(["broadcast", 2]);
    expect(new Set(paid.attempts.map(({ signer }) => signer))).toEqual(new Set([second.address]));
    after.stop();
  });

  it("take a confirmation that came to nothing up again with the key that had it, though another has less to do", async () => {
    const used = { [first.address]: 0, [second.address]: 0 };
    const mined = new Set<Hash>();
    const minedNonce = async (account: AccountAddress) => toNonce(used[account] ?? 0);
    const receipt = async (hash: Hash) => (mined.has(hash) ? receiptOf(hash) : undefined);
    const { pay, stop } = await start([first, second], { minedNonce, receipt });
    const all = await intend(3);
    pay(all);
    await time.pass(1_000);
    const signed = await now(all);
    const of = (signer: Signer) => signed.filter(({ attempts }) => attempts[0]?.signer === signer.address);
    expect([of(first).length, of(second).length]).toEqual([2, 1]);
    const theirs = of(second)[0]?.attempts[0]?.hash;
    if (theirs) mined.add(theirs);
    used[first.address] = 1;
    await newHead();
    await time.pass(12_000);
    const displaced = await bench.journal.confirmation(of(first)[0]?.id ?? 0);
    expect(displaced.attempts.map(({ signer, nonce }) => [signer, nonce])).toEqual([
      [first.address, 0],
      [first.address, 2],
    ]);
    stop();
  });

  it("do not ask again and again about what stays with a key that may not pay it any more", async () => {
    let [used, tries, mayPay] = [0, 0, true];
    const minedNonce = async (account: AccountAddress) => toNonce(account === first.address ? used : 0);
    const simulateConfirm: ChainPort["simulateConfirm"] = async (from) => {
      tries += 1;
      if (tries > 50) return new Promise(() => undefined);
      return from === first.address && !mayPay ? { ok: false, reason: "NotOwner" } : { ok: true, gas: 100_000n };
    };
    const { pay, stop } = await start([first, second], { minedNonce, simulateConfirm });
    const all = await intend(1);
    pay(all);
    await time.pass(1_000);
    expect(await nonces(all, first)).toEqual([0]);
    [used, mayPay] = [1, false];
    await newHead();
    await time.pass(30_000);
    expect(await now(all)).toMatchObject([{ state: "intended" }]);
    expect(bench.reports).toContainEqual(expect.objectContaining({ type: "postponed", forMs: 10_000 }));
    expect(tries).toBeLessThan(10);
    stop();
  });
});

describe("a key without money", () => {
  it("is given nothing; the others pay, and it takes part again when it has some", async () => {
    let balance = wei(0n);
    const purse = async (account: AccountAddress) => (account === first.address ? balance : wei(10n ** 20n));
    const { pay, stop } = await start([first, second], { balance: purse });
    const all = await intend(6);
    pay(all.slice(0, 3));
    await time.pass(1_000);
    expect(await nonces(all, first)).toEqual([]);
    expect(keyReports(first)).toEqual(["held", "no-funds"]);
    balance = wei(10n ** 20n);
    await time.pass(5_000);
    await newHead();
    pay(all.slice(3));
    await time.pass(1_000);
    expect(keyReports(first)).toEqual(["held", "no-funds", "funded"]);
    expect((await nonces(all, first)).length).toBe(3);
    stop();
  });

  it("is found out by the node's answer too: what is signed stays, and the rest goes to the others", async () => {
    const broke = new Set<AccountAddress>([first.address]);
    const balance = async (account: AccountAddress) => wei(broke.has(account) ? 4_500_000n : 10n ** 20n);
    const raws = new Set<string>();
    const watched: Signer = {
      ...first,
      sign: async (transaction) => {
        const signed = await first.sign(transaction);
        raws.add(signed.raw);
        return signed;
      },
    };
    const broadcast: ChainPort["broadcast"] = async (raw) =>
      raws.has(raw) ? { ok: false, message: "insufficient funds for gas * price + value" } : { ok: true };
    const { pay, stop } = await start([watched, second], { balance, broadcast });
    const all = await intend(8);
    pay(all.slice(0, 2));
    await time.pass(500);
    expect(keyReports(first)).toEqual(["held", "no-funds"]);
    pay(all.slice(2));
    await time.pass(1_000);
    expect([(await nonces(all, first)).length, (await nonces(all, second)).length]).toEqual([1, 7]);
    stop();
  });

  it("holds everything where it is the only one, and pays in order when it has money", async () => {
    let balance = wei(0n);
    const { pay, stop } = await start([first], { balance: async () => balance });
    const all = await intend(3);
    pay(all);
    await time.pass(20_000);
    expect((await now(all)).map(({ state }) => state)).toEqual(["intended", "intended", "intended"]);
    balance = wei(10n ** 20n);
    await newHead();
    await time.pass(10_000);
    expect(await nonces(all, first)).toEqual([0, 1, 2]);
    stop();
  });
});

describe("a former key without money", () => {
  const refused = { ok: false, message: "insufficient funds for gas * price + value" } as const;
  /** The first key signs one, and is not configured any more; nodes refuse what it has signed. */
  const afterItsTime = async (chain: FakeAnswers) => {
    const all = await intend(1);
    const before = await start([first]);
    await time.pass(1_000);
    before.stop();
    const raw = (await now(all))[0]?.attempts[0]?.raw;
    bench.reports.length = 0;
    const broadcast: ChainPort["broadcast"] = async (each) => (each === raw ? refused : { ok: true });
    const after = await start([second], { broadcast, ...chain });
    await newHead();
    return after;
  };

  it("is told of until it has some", async () => {
    let balance = wei(0n);
    const purse = async (account: AccountAddress) => (account === first.address ? balance : wei(10n ** 20n));
    const { stop } = await afterItsTime({ balance: purse });
    await time.pass(10_000);
    await newHead();
    expect(keyReports(first)).toEqual(["held", "no-funds"]);
    balance = wei(10n ** 20n);
    await time.pass(10_000);
    await newHead();
    expect(keyReports(first)).toEqual(["held", "no-funds", "funded"]);
    stop();
  });

  it("is told of until nothing that it has signed is out", async () => {
    let isMined = false;
    const { stop } = await afterItsTime({
      balance: async (account) => wei(account === first.address ? 0n : 10n ** 20n),
      receipt: async (hash) => (isMined ? receiptOf(hash) : undefined),
    });
    expect(keyReports(first)).toEqual(["held", "no-funds"]);
    isMined = true;
    await newHead();
    expect(keyReports(first)).toEqual(["held", "no-funds", "funded"]);
    await time.pass(60_000);
    await newHead();
    expect(keyReports(first)).toHaveLength(3);
    stop();
  });
});

it("gives what one key may not confirm to another at once", async () => {
  const simulateConfirm: ChainPort["simulateConfirm"] = async (from) =>
    from === first.address ? { ok: false, reason: "NotOwner" } : { ok: true, gas: 100_000n };
  const { pay, stop } = await start([first, second], { simulateConfirm });
  const all = await intend(4);
  pay(all);
  await time.pass(1_000);
  expect(await nonces(all, second)).toHaveLength(4);
  expect(bench.reports.filter(({ type }) => type === "postponed")).toEqual([]);
  stop();
});

it("lets the other keys pay while one cannot be reached to sign", async () => {
  const dumb: Signer = {
    ...first,
    sign: async () => {
      throw new Error("the signer is down");
    },
  };
  const { pay, stop } = await start([dumb, second]);
  const all = await intend(6);
  pay(all);
  await time.pass(3_000);
  expect(await nonces(all, second)).toHaveLength(6);
  stop();
});

describe("the lease of a key", () => {
  it("is waited for while another daemon holds it, and taken when that one is gone", async () => {
    await bench.journal.takeLease(first.address, "another one", 0, 45_000);
    const { pay, stop } = await start([first]);
    const all = await intend(1);
    pay(all);
    await time.pass(40_000);
    expect(keyReports(first)).toEqual(["waiting"]);
    expect(await now(all)).toMatchObject([{ state: "intended" }]);
    await time.pass(12_000);
    expect(keyReports(first)).toEqual(["waiting", "held"]);
    expect(await now(all)).toMatchObject([{ state: "broadcast" }]);
    stop();
  });

  it("of a command beside a daemon is waited for by the next daemon, and the former daemon's own key is taken", async () => {
    const directory = mkdtempSync(join(tmpdir(), "sink-"));
    const path = join(directory, "journal.sqlite");
    const former = openSqliteJournal({ path, chainId: 1071 });
    const command = openSqliteJournal({ path, chainId: 1071, shared: true });
    await former.takeLease(second.address, "a daemon that was killed", 0, 45_000);
    const owner = commandOwner("confirm", "box", { besideDaemon: true });
    const lease = await command.takeLease(first.address, owner, 0, 45_000);
    await former.close();
    await bench.remove();
    bench = createSinkBench(directory);
    const { stop } = await start([first, second]);
    expect([keyReports(first), keyReports(second)]).toEqual([["waiting"], ["held"]]);
    expect(bench.reports).toContainEqual(
      expect.objectContaining({ type: "key", signer: first.address, state: "waiting", by: owner, until: 45_000 }),
    );
    expect(await command.renewLease(lease, 120_000)).toBe(true);
    await time.pass(60_000);
    expect(keyReports(first)).toEqual(["waiting"]);
    await command.releaseLease(lease);
    await time.pass(12_000);
    expect(keyReports(first)).toEqual(["waiting", "held"]);
    stop();
    await command.close();
  });

  it("is waited for, and what its key could pay for is read meanwhile", async () => {
    await bench.journal.takeLease(first.address, "another one", 0, 45_000);
    // The margin on the usual gas, at the fees of the chain: 3,750,000 wei for each.
    const { stop } = await start([first], { balance: async () => wei(7_600_000n) });
    await time.pass(1_000);
    expect(bench.reports).toContainEqual({
      ...{ type: "funds", signer: first.address, balance: 7_600_000n, confirmations: 2 },
    });
    expect(keyReports(first)).toEqual(["waiting"]);
    stop();
  });

  it("is renewed for as long as the daemon runs, and free when it stops", async () => {
    const { stop } = await start([first]);
    await time.pass(300_000);
    const [lease] = await bench.journal.leases();
    expect(lease).toMatchObject({ owner: "this one", token: 1 });
    expect(lease?.expiresAt).toBeGreaterThan(time.clock.now());
    stop();
    await time.pass(50);
    expect(await bench.journal.takeLease(first.address, "another one", time.clock.now(), 1)).toMatchObject({
      token: 2,
    });
  });

  /** Another daemon believes that this one is gone. */
  const steal = async (signer: Signer) => {
    const lease = await bench.journal.takeLease(signer.address, "a thief", time.clock.now() + 1_000_000, 10_000_000);
    expect(lease.owner).toBe("a thief");
  };

  it("that is stolen stops its lane at once, before anything is written, and the others go on", async () => {
    const { pay, run, stop } = await start([first, second]);
    const before = await intend(2);
    pay(before);
    await time.pass(1_000);
    const journalled = await bench.journal.confirmations(before.map(({ id }) => id));
    const theirs = journalled.find(({ attempts }) => attempts[0]?.signer === first.address);
    await steal(first);
    const all = await intend(4);
    pay(all);
    await time.pass(2_000);
    expect(keyReports(first)).toEqual(["held", "lost"]);
    expect([(await nonces(all, first)).length, (await nonces(all, second)).length]).toEqual([0, 4]);
    await time.pass(60_000);
    await newHead();
    expect(await bench.journal.confirmation(theirs?.id ?? 0)).toEqual(theirs);
    expect(run.ended).toBeUndefined();
    stop();
  });

  it("that is stolen is missed within a third of its time, also where nothing is to be written", async () => {
    const { stop } = await start([first, second]);
    await steal(first);
    await time.pass(10_500);
    expect(keyReports(first)).toEqual(["held", "lost"]);
    stop();
  });

  it("that is stolen from the only key ends the daemon, loudly", async () => {
    const { run, pay } = await start([first]);
    await steal(first);
    pay(await intend(1));
    await time.pass(1_000);
    expect(run.ended).toMatchObject({ code: "LEASE_LOST", exitCode: 70, signer: first.address });
  });
});

it.each([500n, 50n])(
  "no nonce that is used is filled because the endpoint that answers has hung %s blocks behind",
  async (by) => {
    const { journal } = bench;
    const [one] = await intend(1);
    let mined = 5;
    const { pay, stop } = await start([first], { minedNonce: async () => toNonce(mined) });
    const { number, hash } = headAt(1_000n);
    head$.next(headAt(number));
    await journal.intake({ tasks: [], responses: [], touched: [], cursor: { number, hash } });
    pay([one as Confirmation]);
    await time.pass(100);
    expect(await nonces([one as Confirmation], first)).toEqual([5]);
    mined = 3;
    for (let block = 1_000n - by; block < 1_010n - by; block++) {
      head$.next(headAt(block));
      await time.pass(10_000);
    }
    expect(await journal.fillers(first.address, toNonce(0))).toEqual([]);
    stop();
  },
);
