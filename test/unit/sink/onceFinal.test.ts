import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ChainPort, Snapshot } from "../../../src/chain/chainPort.ts";
import { RetryableError } from "../../../src/errors.ts";
import { type Hash, type ResponseAddress, type TaskAddress, unixSeconds, wei } from "../../../src/protocol/brand.ts";
import { ResponseStatus, TaskStatus } from "../../../src/protocol/statuses.ts";
import { checkAll } from "../../../src/sink/admit.ts";
import { broadcastAll } from "../../../src/sink/send.ts";
import { trackRound } from "../../../src/sink/track.ts";
import { admit } from "../../support/admit.ts";
import {
  address,
  aReceipt,
  aResponse,
  aSnapshot,
  aTask,
  byTwo,
  headAt,
  response,
  source,
  standingsIn,
  task,
  taskGone,
} from "../../support/fakeChain.ts";
import { createSinkBench, type SinkBench } from "../../support/sinkBench.ts";

let bench: SinkBench;
beforeEach(() => {
  bench = createSinkBench();
});
afterEach(() => bench.remove());

type Shown = Partial<Snapshot>;
type Payments = Parameters<ChainPort["paymentsByTwo"]>;

const showing =
  (shown: Shown) =>
  (...[payments, at]: Payments) =>
    standingsIn(async () => aSnapshot(shown), payments, at);
const down = async (..._: Payments): Promise<never> => {
  throw new RetryableError("down", { code: "ENDPOINT_UNAVAILABLE" });
};
const open = showing({});
const receiptOf = (hash: Hash, succeeded: boolean) => aReceipt(hash, 100n, { succeeded });
/** The block that it was judged in is final. */
const atFinal: Partial<ChainPort> = { head: async () => headAt(103n) };

const canceled: Shown = { task: aTask({ status: TaskStatus.CANCELED }) };
const expired: Shown = { task: aTask({ expiryTime: unixSeconds(999) }) };
const late: Shown = { block: headAt(100n, { timestamp: unixSeconds(2 ** 33) }) };
const confirmed: Shown = { responses: [aResponse({ status: ResponseStatus.CONFIRMED })] };
const dearer: Shown = { responses: [aResponse({ payment: wei(81n) })] };
const without: Shown = { responses: [] };
const timeIsOver: Partial<ChainPort> = { simulateConfirm: async () => ({ ok: false, reason: "Expired" }) };

/** What the chosen endpoint shows of its newest block and of a final one, and another one of the same final block. */
const chainOf = (shown: Shown, other: typeof open, more: Partial<ChainPort> = {}): Partial<ChainPort> => ({
  ...{ snapshot: async () => aSnapshot(shown), paymentsByTwo: byTwo(showing(shown), other) },
  ...{ ...atFinal, ...more },
});

const cases: [string, Shown, Partial<ChainPort>, string, RegExp][] = [
  ["the task is canceled", canceled, {}, "superseded", /the task is CANCELED/],
  ["its time is over", expired, timeIsOver, "superseded", /its expiry time has passed/],
  ["it is late", late, timeIsOver, "superseded", /its expiry time has passed/],
  ["the response is confirmed", confirmed, {}, "superseded", /the response is confirmed already/],
  ["the response is another one", dearer, {}, "rejected", /another response stands/],
  ["the response is missing", without, {}, "rejected", /a reorg took the response back/],
];

describe("that an approved payment is over", () => {
  it.each(cases)(
    "is so for good where two endpoints show in a final block that %s",
    async (_, shown, more, state, reason) => {
      const { id } = await bench.intend();
      expect(await admit(bench.deps(chainOf(shown, showing(shown), more)), id)).toMatchObject({
        type: "settled",
        confirmation: { state, reason: expect.stringMatching(reason) },
      });
    },
  );

  it.each(cases)(
    "is put off while another endpoint says otherwise than that %s, and paid then",
    async (_, shown, more) => {
      const { id } = await bench.intend();
      const lied = await admit(bench.deps(chainOf(shown, open, more)), id);
      expect(lied).toMatchObject({ type: "postponed", confirmation: { state: "intended" } });
      expect(lied).toHaveProperty("reason", expect.stringMatching(/another endpoint says otherwise|at the moment/));
      expect(await admit(bench.deps(), id)).toMatchObject({ type: "signed" });
    },
  );

  it.each(cases)("is put off while another endpoint cannot tell whether %s", async (_, shown, more) => {
    const { id } = await bench.intend();
    for (const asked of [byTwo(showing(shown), down), byTwo(down, showing(shown))]) {
      const admission = await admit(bench.deps({ ...chainOf(shown, open, more), paymentsByTwo: asked }), id);
      expect(admission).toMatchObject({ type: "postponed", confirmation: { state: "intended" } });
      expect(admission).toHaveProperty("reason", expect.stringMatching(/an endpoint cannot tell|at the moment/));
    }
  });

  it("is put off while one endpoint alone is without its task", async () => {
    const { id } = await bench.intend();
    const admission = await admit(bench.deps({ ...taskGone(open), ...atFinal }), id);
    expect(admission).toMatchObject({ type: "postponed", reason: /task is not on the chain at the moment/ });
  });

  it("is so where they tell of different ends of its task: by either it is over", async () => {
    const { id } = await bench.intend();
    const admission = await admit(bench.deps(chainOf(canceled, showing(confirmed))), id);
    expect(admission).toMatchObject({ type: "settled", confirmation: { state: "superseded" } });
  });

  it("is put off where one says that its response is gone, and the other that another one stands there", async () => {
    const { id } = await bench.intend();
    const admission = await admit(bench.deps(chainOf(dearer, showing(without))), id);
    expect(admission).toMatchObject({ type: "postponed", reason: /another endpoint says otherwise/ });
  });

  it("is put off while two endpoints say so for different reasons", async () => {
    const { id } = await bench.intend();
    const admission = await admit(bench.deps(chainOf(canceled, showing(dearer))), id);
    expect(admission).toMatchObject({ type: "postponed", reason: /the task is CANCELED, and another endpoint says/ });
  });

  it("is put off while the final block is older than the one that it was judged in, and lacks it for that", async () => {
    const { id } = await bench.intend();
    const early = chainOf(without, showing(without), { head: async () => headAt(102n) });
    expect(await admit(bench.deps(early), id)).toMatchObject({ type: "postponed" });
  });

  it("goes by the block that the two tell of: one lower than the final one may come before what it was judged in", async () => {
    const { id } = await bench.intend();
    const below = (shown: Shown) => byTwo(showing({ block: headAt(68n), ...shown }));
    const missing = { ...chainOf(without, open), paymentsByTwo: below(without) };
    expect(await admit(bench.deps(missing), id)).toMatchObject({ type: "postponed" });
    const over = { ...chainOf(canceled, open), paymentsByTwo: below(canceled) };
    expect(await admit(bench.deps(over), id)).toMatchObject({
      type: "settled",
      confirmation: { state: "superseded" },
    });
  });

  it("cannot be told where neither endpoint answers: nothing is decided", async () => {
    const { id } = await bench.intend();
    const deps = bench.deps({ ...chainOf(canceled, open), paymentsByTwo: byTwo(down) });
    await expect(admit(deps, id)).rejects.toThrow(/down/);
    expect((await bench.journal.confirmation(id)).state).toBe("intended");
  });

  it("is asked of two endpoints once for all that seem to be, and not at all for what may be paid", async () => {
    const others = [1, 2, 3].map((each) => ({
      task: address<TaskAddress>(0x100 + each),
      response: address<ResponseAddress>(0x200 + each),
    }));
    const ids: number[] = [];
    for (const each of [{ task, response }, ...others]) ids.push((await bench.intend(each)).id);
    const asked: string[] = [];
    const snapshot: ChainPort["snapshot"] = async (its, _, [one = response]) => {
      const status = its === task ? TaskStatus.RESPONDED : TaskStatus.CANCELED;
      return aSnapshot({ task: aTask({ address: its, status }), responses: [aResponse({ address: one, task: its })] });
    };
    const paymentsByTwo = byTwo(async (...[payments, at]: Payments) => {
      asked.push(payments.map((each) => each.task).join());
      return standingsIn(snapshot, payments, at);
    });
    const { admissions, payable } = await checkAll(bench.deps({ snapshot, paymentsByTwo }), ids);
    expect(payable.map(({ confirmation }) => confirmation.task)).toEqual([task]);
    expect(admissions.map(({ type }) => type)).toEqual(["settled", "settled", "settled"]);
    const all = others.map((each) => each.task).join();
    expect(asked).toEqual([all, all]);
  });

  it("uses up the nonce of what was sent where one endpoint alone says so, and pays it in another one", async () => {
    const { id } = await bench.intend();
    const lied = chainOf(canceled, open);
    const { confirmation } = await admit(bench.deps(), id);
    await broadcastAll(bench.deps(), [confirmation]);
    for (const now of [1_000, 2_000]) await trackRound(bench.deps(lied, { now: () => now }));
    const { attempts } = await bench.journal.confirmation(id);
    expect(attempts.map(({ kind }) => kind)).toEqual(["confirm", "cancel"]);
    const receipt = async (hash: Hash) => (hash === attempts[1]?.hash ? receiptOf(hash, true) : undefined);
    expect(await trackRound(bench.deps({ ...lied, receipt }))).toMatchObject([{ id, state: "intended" }]);
  });
});

describe("a task that a final block is without", () => {
  const stateOf = async () => (await bench.journal.task(task))?.state;

  it("vanishes with its confirmation, and is open again when a block brings it", async () => {
    const { id } = await bench.intend();
    const admission = await admit(bench.deps({ ...taskGone(), ...atFinal }), id);
    expect(admission).toMatchObject({ type: "settled", confirmation: { state: "rejected" } });
    expect(await stateOf()).toBe("vanished");
    const back = { tasks: [{ task, source, block: 104n }], responses: [], touched: [] };
    expect(await bench.journal.intake(back)).toEqual([task]);
    expect(await stateOf()).toBe("open");
  });

  it("stays open where a later block has shown it since", async () => {
    const { id } = await bench.intend();
    const { number, hash } = headAt(104n);
    const shown = { tasks: [{ task, source, block: number }], responses: [], touched: [] };
    await bench.journal.intake({ ...shown, cursor: { number, hash } });
    await bench.journal.changeConfirmation(id, { state: "rejected", withoutTask: 103n });
    expect(await stateOf()).toBe("open");
  });

  it("stays closed where it was over before", async () => {
    const { id } = await bench.intend();
    await bench.journal.changeConfirmation(id, { state: "superseded" });
    const again = { id, change: { state: "superseded", withoutTask: 105n } } as const;
    await bench.journal.changeConfirmations([again]);
    expect(await stateOf()).toBe("closed");
  });

  it("vanishes with what was signed for it, too", async () => {
    const { id } = await bench.intend();
    const { confirmation } = await admit(bench.deps(), id);
    await broadcastAll(bench.deps(), [confirmation]);
    const gone = { ...taskGone(), ...atFinal, receipt: async (hash: Hash) => receiptOf(hash, false) };
    expect(await trackRound(bench.deps(gone))).toMatchObject([{ id, state: "cancelled" }]);
    expect(await stateOf()).toBe("vanished");
  });
});
