import { BehaviorSubject, Subject } from "rxjs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ChainPort } from "../../../src/chain/chainPort.ts";
import { FatalError, RetryableError } from "../../../src/errors.ts";
import type { Confirmation } from "../../../src/journal/journal.ts";
import {
  type AccountAddress,
  type ResponseAddress,
  type TaskAddress,
  toNonce,
  wei,
} from "../../../src/protocol/brand.ts";
import { createSink, type SinkOptions } from "../../../src/sink/createSink.ts";
import { unlimited } from "../../../src/sink/guardrails/guard.ts";
import { pausePaying } from "../../../src/sink/guardrails/pausing.ts";
import {
  address,
  aReceipt,
  aResponse,
  aSnapshot,
  aTask,
  type FakeAnswers,
  fakeChain,
  hashOf,
  headAt,
} from "../../support/fakeChain.ts";
import { createSinkBench, type SinkBench, signerOfKey } from "../../support/sinkBench.ts";
import { createVirtualTime, type VirtualTime } from "../../support/virtualTime.ts";

const keys = [signerOfKey("1"), signerOfKey("2")] as const;
const [first, second] = keys;
let bench: SinkBench;
let time: VirtualTime;
/** Milliseconds by which the sink's clock was set back. */
let setBackMs: number;
beforeEach(() => {
  bench = createSinkBench();
  time = createVirtualTime();
  setBackMs = 0;
});
afterEach(() => bench.remove());

const prices = new Map<ResponseAddress, bigint>();
/** Tasks that the node does not have. */
const missing = new Set<TaskAddress>();
const snapshot: ChainPort["snapshot"] = async (task, _, [response]) => {
  if (missing.has(task)) throw new RetryableError("the node does not have the task", { code: "NODE_BEHIND" });
  const payment = wei((response && prices.get(response)) ?? 80n);
  const responses = response ? [aResponse({ address: response, task, payment })] : [];
  return aSnapshot({ task: aTask({ address: task }), responses });
};

let made = 0;
const intend = (payment = 80n): Promise<Confirmation> => {
  made += 1;
  const [task, response] = [address<TaskAddress>(0x1000 + made), address<ResponseAddress>(0x2000 + made)];
  prices.set(response, payment);
  return bench.intend({ task, response, payment: wei(payment) });
};

const start = async (
  signers: readonly (typeof first)[],
  chain: FakeAnswers = {},
  options: Partial<SinkOptions> = {},
  journal = bench.journal,
) => {
  const head$ = new BehaviorSubject(headAt(100n));
  const sink = createSink(
    {
      ...bench.deps(),
      journal,
      clock: { ...time.clock, now: () => time.clock.now() - setBackMs },
      signers,
      chain: fakeChain({ head$, head: async () => head$.value, snapshot, ...chain }),
    },
    { rebroadcastAfterMs: 30_000, receiptLagMs: 0, maxInFlight: 16, ...options },
  );
  const intents$ = new Subject<Confirmation>();
  let error: unknown;
  const subscription = sink.pay(intents$).subscribe({
    error: (each) => {
      error = each;
    },
  });
  await time.pass(50);
  return {
    stop: () => subscription.unsubscribe(),
    ended: () => error,
    pay: (...all: readonly Confirmation[]) => all.forEach((each) => void intents$.next(each)),
    end: () => intents$.complete(),
    newBlock: (number: bigint) => head$.next(headAt(number)),
  };
};
const stateOf = async ({ id }: Confirmation) => (await bench.now([id]))[0]?.state;
/** Whose key signed it last. */
const signerOf = async ({ id }: Confirmation) => (await bench.journal.confirmation(id)).attempts.at(-1)?.signer;
const notOwner = { ok: false, reason: "NotOwner" } as const;
const isPostponed = ({ type }: { readonly type: string }) => type === "postponed";

describe("what cannot be told of", () => {
  it("is tried after half a second, one and two, then waits ten, and is tried as patiently again", async () => {
    const { pay, stop } = await start([first]);
    const lost = await intend();
    missing.add(lost.task);
    pay(lost);
    await time.pass(20_000);
    const waits = bench.reports.flatMap((each) => {
      if (each.type === "postponed") return [each.forMs];
      return each.type === "retry" && each.what === "confirmation" ? [each.inMs] : [];
    });
    expect(waits).toEqual([500, 1_000, 2_000, 10_000, 500, 1_000, 2_000, 10_000]);
    stop();
  });

  it("for one reason is told of once, however many there are", async () => {
    const error = new RetryableError("no answer", { code: "NO_ANSWER" });
    const { pay, stop } = await start([first], { previews: () => Promise.reject(error) });
    pay(await intend(), await intend(), await intend());
    await time.pass(300);
    expect(bench.reports.filter(({ type }) => type === "retry")).toMatchObject([{ what: "confirmation", error }]);
    stop();
  });

  it("is tried as patiently as ever once something was told of it", async () => {
    const { pay, stop } = await start([first], {}, { guardrails: { ...unlimited, perHour: wei(50n) } });
    const held = await intend();
    const waits = () => bench.reports.flatMap((each) => (each.type === "retry" ? [each.inMs] : []));
    pay(held);
    await time.pass(1_000);
    missing.add(held.task);
    await time.pass(60_200);
    missing.clear();
    await time.pass(1_000);
    missing.add(held.task);
    await time.pass(60_000);
    expect(waits()).toEqual([500, 1_000, 500, 1_000]);
    missing.clear();
    stop();
  });

  it("keeps no place under a ceiling", async () => {
    const { pay, stop } = await start([first], {}, { guardrails: { ...unlimited, perHour: wei(160n) } });
    const [paid, held, behind] = [await intend(), await intend(100n), await intend()];
    pay(paid, held, behind);
    await time.pass(1_000);
    expect([await stateOf(paid), await stateOf(held), await stateOf(behind)]).toEqual([
      "broadcast",
      "intended",
      "intended",
    ]);
    missing.add(held.task);
    await time.pass(130_000);
    expect([await stateOf(held), await stateOf(behind)]).toEqual(["intended", "broadcast"]);
    stop();
  });
});

it("what waits for the end of a pause is looked at now and then, not all the time", async () => {
  await pausePaying(bench.journal, { who: "anna", why: "look" }, 0);
  let asked = 0;
  const journal = {
    ...bench.journal,
    confirmations: async (ids: readonly number[]) => {
      asked += 1;
      return bench.journal.confirmations(ids);
    },
  };
  const { pay, stop } = await start([first], {}, {}, journal);
  pay(await intend());
  await time.pass(9_000);
  expect(asked).toBe(1);
  stop();
});

describe("what a ceiling holds for ever", () => {
  it("is looked at once a minute, and told of once, and once more when something else has kept it meanwhile", async () => {
    let looks = 0;
    const previews: ChainPort["previews"] = (asks) => {
      looks += 1;
      return fakeChain({ snapshot }).previews(asks);
    };
    const { pay, stop } = await start([first], { previews }, { guardrails: { ...unlimited, perHour: wei(50n) } });
    const held = await intend();
    pay(held);
    await time.pass(290_000);
    const told = () => bench.reports.filter(({ type }) => type === "held").length;
    expect([looks, told()]).toEqual([5, 1]);
    missing.add(held.task);
    await time.pass(20_000);
    missing.clear();
    await time.pass(60_000);
    expect(told()).toBe(2);
    stop();
  });
});

it("what a ceiling holds is signed as soon as there is room, not a minute after it was looked at last", async () => {
  const { pay, stop } = await start([first], {}, { guardrails: { ...unlimited, perHour: wei(80n) } });
  const [paid, held] = [await intend(), await intend()];
  pay(paid);
  await time.pass(30_000);
  pay(held);
  await time.pass(3_560_000);
  expect([await stateOf(paid), await stateOf(held)]).toEqual(["broadcast", "intended"]);
  await time.pass(12_000);
  expect(await stateOf(held)).toBe("broadcast");
  stop();
});

describe("of several keys", () => {
  it("the one that signed last signs anew, whoever signed before", async () => {
    const again = await intend();
    for (const [ordinal, { address: signer }] of keys.entries()) {
      const attempt = { kind: "confirm", hash: hashOf(ordinal), raw: "0x02", nonce: toNonce(0), signedAt: 0 } as const;
      await bench.journal.recordAttempt(again.id, signer, attempt);
      await bench.journal.changeConfirmation(again.id, { state: "intended" });
    }
    const { stop } = await start(keys);
    await time.pass(1_000);
    expect(await bench.journal.confirmation(again.id)).toMatchObject({ state: "signed", nonce: 1 });
    expect(await signerOf(again)).toBe(second.address);
    stop();
  });

  it("one that may not pay waits for no other that has no money", async () => {
    const balance = async (account: AccountAddress) => wei(account === second.address ? 0n : 10n ** 20n);
    const { pay, stop } = await start(keys, { balance, simulateConfirm: async () => notOwner });
    pay(await intend());
    await time.pass(5_000);
    expect(bench.reports.filter(isPostponed)).toMatchObject([{ forMs: 10_000 }]);
    stop();
  });

  it("one that could not pay is asked again where the other, which was to be tried, has lost its money meanwhile", async () => {
    const able = new Set<AccountAddress>([second.address]);
    let balance = wei(10n ** 10n);
    const { pay, stop } = await start(
      keys,
      {
        simulateConfirm: async (from) => (able.has(from) ? { ok: true, gas: 100_000n } : notOwner),
        balance: async (account) => (account === second.address ? balance : wei(10n ** 20n)),
        receipt: async () => undefined,
      },
      { maxInFlight: 1 },
    );
    const [waiting, sent] = [await intend(), await intend()];
    pay(waiting, sent);
    await time.pass(5_000);
    expect([await signerOf(sent), await stateOf(waiting)]).toEqual([second.address, "intended"]);
    balance = wei(0n);
    able.add(first.address);
    await time.pass(70_000);
    expect(await signerOf(waiting)).toBe(first.address);
    stop();
  });

  it("no other is asked what no key may pay for the moment", async () => {
    let asked = 0;
    const { pay, stop } = await start(keys, {
      simulateConfirm: async () => {
        asked += 1;
        return { ok: false, reason: "InsufficientBalance" };
      },
    });
    pay(await intend());
    await time.pass(5_000);
    expect([asked, bench.reports.filter(isPostponed).length]).toEqual([1, 1]);
    stop();
  });

  it("all are tried again after none of them could pay", async () => {
    let mayPay = false;
    const { pay, stop } = await start(keys, {
      simulateConfirm: async (from) => (from === second.address && mayPay ? { ok: true, gas: 100_000n } : notOwner),
    });
    const only = await intend();
    pay(only);
    await time.pass(5_000);
    expect(bench.reports.filter(isPostponed)).toHaveLength(1);
    mayPay = true;
    await time.pass(10_000);
    expect(await signerOf(only)).toBe(second.address);
    stop();
  });
});

it("the batch that waits for its turn is not signed where a signer contradicts itself in the one before", async () => {
  let asked = 0;
  const broken: typeof first = {
    ...first,
    sign: async () => {
      asked += 1;
      throw new FatalError("the signed transaction differs", { code: "SIGNED_BYTES_DIFFER" });
    },
  };
  const intents: Confirmation[] = [];
  for (let count = 0; count < 120; count++) intents.push(await intend());
  const { ended } = await start([broken], {}, { maxInFlight: 200 });
  await time.pass(1_000);
  expect(ended()).toMatchObject({ code: "SIGNED_BYTES_DIFFER" });
  expect(asked).toBe(100);
});

/** A signer that takes three seconds for each of a batch that is as large as one may be, and none for what comes after it. */
const signingSlowly = () => {
  let asked = 0;
  const slow: typeof first = {
    ...first,
    sign: async (transaction) => {
      asked += 1;
      if (asked <= 100) await new Promise((resolve) => time.clock.scheduler.schedule(resolve, 3_000));
      return first.sign(transaction);
    },
  };
  return { slow, asked: () => asked };
};

it("the batch that waits for its turn is not signed once the pipe was left", async () => {
  const { slow, asked } = signingSlowly();
  const intents: Confirmation[] = [];
  for (let count = 0; count < 102; count++) intents.push(await intend());
  const { stop } = await start([slow], {}, { maxInFlight: 200 });
  await time.pass(1_000);
  stop();
  await time.pass(4_000);
  expect(asked()).toBe(100);
  expect(await stateOf(intents[101] as Confirmation)).toBe("intended");
});

it.each([
  ["", 0],
  [", also where the clock is set back meanwhile", 3_600_000],
])(
  "what waited so long to be signed is checked anew: what cannot be paid by then is not signed%s",
  async (_, backMs) => {
    const { slow, asked } = signingSlowly();
    const intents: Confirmation[] = [];
    for (let count = 0; count < 102; count++) intents.push(await intend());
    const last = intents.at(-1) as Confirmation;
    let isAble = true;
    const { stop } = await start(
      [slow],
      {
        simulateConfirm: async (_, response) =>
          response === last.response && !isAble ? notOwner : { ok: true, gas: 100_000n },
      },
      { maxInFlight: 200 },
    );
    await time.pass(1_000);
    isAble = false;
    setBackMs = backMs;
    await time.pass(4_000);
    expect([await stateOf(intents[100] as Confirmation), await stateOf(last)]).toEqual(["broadcast", "intended"]);
    expect(asked()).toBe(101);
    stop();
  },
);

it("what was postponed comes back also where the others of its batch waited so long to be signed that they were checked anew", async () => {
  const { slow } = signingSlowly();
  const intents: Confirmation[] = [];
  for (let count = 0; count < 103; count++) intents.push(await intend());
  const last = intents.at(-1) as Confirmation;
  let isAble = false;
  const { stop } = await start(
    [slow],
    {
      simulateConfirm: async (_, response) =>
        response === last.response && !isAble ? notOwner : { ok: true, gas: 100_000n },
    },
    { maxInFlight: 200 },
  );
  await time.pass(5_000);
  expect([await stateOf(intents[101] as Confirmation), await stateOf(last)]).toEqual(["broadcast", "intended"]);
  isAble = true;
  await time.pass(12_000);
  expect(await stateOf(last)).toBe("broadcast");
  stop();
});

it("what comes twice at once is signed once, also where another key has room", async () => {
  const { pay, stop, ended } = await start(keys);
  const one = await intend();
  pay(one, one);
  await time.pass(1_000);
  expect((await bench.journal.confirmation(one.id)).attempts).toHaveLength(1);
  expect(ended()).toBeUndefined();
  expect(bench.reports.filter(({ type }) => type === "retry")).toEqual([]);
  stop();
});

it("what was decided first is signed first, in whatever order it comes", async () => {
  const { pay, stop } = await start([first], {}, { maxInFlight: 1 });
  const [one, other] = [await intend(), await intend()];
  pay(other, one);
  await time.pass(1_000);
  expect([await stateOf(one), await stateOf(other)]).toEqual(["broadcast", "intended"]);
  stop();
});

it("nothing that waits for room is signed once no more is to come", async () => {
  let isMined = false;
  const receipt: FakeAnswers["receipt"] = async (hash) => (isMined ? aReceipt(hash, 100n) : undefined);
  const { pay, stop, end, newBlock } = await start([first], { receipt }, { maxInFlight: 1 });
  const [one, other] = [await intend(), await intend()];
  pay(one, other);
  await time.pass(1_000);
  end();
  isMined = true;
  newBlock(101n);
  await time.pass(2_000);
  expect([await stateOf(one), await stateOf(other)]).toEqual(["mined", "intended"]);
  stop();
});

it("what contradicts itself while it is sent ends the daemon", async () => {
  const broadcast = () =>
    Promise.reject(new FatalError("the journal contradicts itself", { code: "JOURNAL_INCONSISTENT" }));
  const { pay, ended } = await start([first], { broadcast });
  pay(await intend());
  await time.pass(1_000);
  expect(ended()).toMatchObject({ code: "JOURNAL_INCONSISTENT" });
});
