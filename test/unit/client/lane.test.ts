import { beforeEach, describe, expect, it } from "vitest";
import type { Receipt } from "../../../src/chain/chainPort.ts";
import { requireContracts } from "../../../src/client/chainId.ts";
import { InputError, RefusedError } from "../../../src/client/errors.ts";
import { createLane, type Lane } from "../../../src/client/lane/createLane.ts";
import type { Transaction } from "../../../src/client/lane/transaction.ts";
import { revokeAgent, setAgent } from "../../../src/client/setAgent.ts";
import type { WriteOptions } from "../../../src/client/types.ts";
import { RetryableError } from "../../../src/errors.ts";
import { type Hash, type Hex, toNonce } from "../../../src/protocol/brand.ts";
import type { Signer } from "../../../src/signer/signerPort.ts";
import { type FakeAnswers, fakeChain, hashOf, headAt } from "../../support/fakeChain.ts";
import { signerOfKey } from "../../support/sinkBench.ts";
import { createVirtualTime, type VirtualTime } from "../../support/virtualTime.ts";

const pollIntervalMs = 100;
let time: VirtualTime;
let head: bigint;
/** The final transaction count, where a test says more than what is mined. */
let used: number;
/** What each endpoint counts with those that wait; `undefined`: what is mined. An error: it does not answer. */
let pending: { here?: number; elsewhere?: number | Error };
/** Where each nonce's newest transaction was mined. */
let blocks: Map<number, Pick<Receipt, "blockNumber" | "succeeded">>;
let signed: { readonly nonce: number; readonly hash: Hash }[];
let lane: Lane;
let refuses: Error | undefined;
/** What it fails with that is asked for the head. */
let fails: Error | undefined;

const publication: Transaction = {
  what: "the publication",
  to: "0x00000000000000000000000000000000DeaDBeef",
  data: "0x",
  check: async () => {
    if (refuses) throw refuses;
  },
};
const refusal = new RefusedError("the Vault is empty", { code: "VAULT_UNFUNDED" });
const down = new RetryableError("no answer", { code: "ENDPOINT_UNAVAILABLE" });

beforeEach(() => {
  time = createVirtualTime();
  [head, used, blocks, signed, refuses, fails, pending] = [100n, 0, new Map(), [], undefined, undefined, {}];
  const key = signerOfKey("1");
  const signer: Signer = {
    ...key,
    sign: async (transaction) => {
      const bytes = await key.sign(transaction);
      signed.push({ nonce: transaction.nonce, hash: bytes.hash });
      return bytes;
    },
  };
  const receipt = async (hash: Hash): Promise<Receipt | undefined> => {
    const nonce = signed.find((each) => each.hash === hash)?.nonce;
    const block = nonce === undefined ? undefined : blocks.get(nonce);
    return block && { hash, ...block, blockHash: hashOf(block.blockNumber), gasUsed: 1n, gasPrice: 1n };
  };
  const chain: FakeAnswers = {
    receipt,
    head: async () => {
      if (fails) throw fails;
      return headAt(head);
    },
    minedNonce: async (_account, at = head) => {
      const mined = [...blocks].filter(([, { blockNumber }]) => blockNumber <= at).map(([nonce]) => nonce + 1);
      return toNonce(Math.max(used, ...mined));
    },
    minedNonceElsewhere: async (_account, at) => {
      if (at !== head) throw new RetryableError("it stands far from that block", { code: "NODE_BEHIND" });
      return { mined: toNonce(used), block: head };
    },
    pendingNonce: async () => toNonce(pending.here ?? used),
    pendingNonceElsewhere: async () => {
      if (pending.elsewhere instanceof Error) throw pending.elsewhere;
      return toNonce(pending.elsewhere ?? used);
    },
  };
  const answer = async () => "0x5208" as Hex;
  const node = { name: "node", call: answer as never, batch: async () => [] };
  lane = createLane({
    ...{ signer, pollIntervalMs, clock: time.clock, chainId: 1071, maxFeePerGas: 1_000n, rebroadcastAfterMs: 600_000 },
    receiptLagMs: 0,
    chain: fakeChain(chain),
    ...{ rpc: node, elsewhere: node },
  });
});

type Seen<T> = { result?: T; error?: Error };

/** What comes of a promise, when it does. */
function watch<T>(promise: Promise<T>): Seen<T> {
  const seen: Seen<T> = {};
  promise.then(
    (result) => void Object.assign(seen, { result }),
    (error) => void Object.assign(seen, { error }),
  );
  return seen;
}
/** Begins, and returns once it is signed. */
async function begin(transaction: Transaction, options?: WriteOptions) {
  const before = signed.length;
  const seen = watch(lane.mine(transaction, options));
  await expect.poll(() => signed.length).toBe(before + 1);
  return seen;
}
/** What comes of it, where nothing is to be waited for. */
async function settled<T>(promise: Promise<T>): Promise<Seen<T>> {
  const seen = watch(promise);
  await expect.poll(() => seen).not.toEqual({});
  return seen;
}
const looks = (count = 1) => time.pass(count * pollIntervalMs);

describe("a transaction that reverts", () => {
  const reverts = (nonce = 0) => blocks.set(nonce, { blockNumber: head, succeeded: false });
  const succeeds = (nonce = 0) => blocks.set(nonce, { blockNumber: head, succeeded: true });

  it("is signed once where its block is taken back and it succeeds after all", async () => {
    const end = await begin(publication);
    reverts();
    await looks(3);
    expect(end).toEqual({});
    blocks.clear();
    await looks(2);
    succeeds();
    await looks(2);
    expect(end.result).toMatchObject({ nonce: 0, blockNumber: 100n });
    expect(signed).toHaveLength(1);
  });

  it("is signed anew once the revert is final", async () => {
    const end = await begin(publication);
    reverts();
    await looks(2);
    head += 3n;
    await looks(3);
    expect(signed.map(({ nonce }) => nonce)).toEqual([0, 1]);
    succeeds(1);
    await looks(2);
    expect(end.result).toMatchObject({ nonce: 1 });
  });

  it.each([
    ["the chain would still refuse it", refusal, {}, /reverted \(the Vault is empty\)/, refusal],
    ["it would be refused, and may not be signed anew", refusal, { maxRetries: 0 }, /\(the Vault is empty\)/, refusal],
    ["the endpoint fails before it is signed anew", down, {}, /reverted \(no answer\)/, down],
    ["it may not be signed anew", undefined, { maxRetries: 0 }, /reverted \(no reason given\)/, undefined],
  ])("has failed, with its hash, where %s", async (_, error, options, message, cause) => {
    const end = await begin(publication, options);
    reverts();
    await looks(2);
    refuses = error;
    head += 3n;
    await looks(2);
    const { nonce, hash } = signed[0] ?? {};
    expect(end.error).toMatchObject({
      name: "TransactionFailedError",
      nonce,
      hash,
      message: expect.stringMatching(message),
    });
    expect(end.error?.message).toContain(`${hash}, nonce 0`);
    expect(end.error?.cause).toBe(cause);
    expect(signed).toHaveLength(1);
  });

  it("has not succeeded where another block of the same height lets it revert, before it has its confirmations", async () => {
    const end = await begin(publication, { confirmations: 2, maxRetries: 0 });
    succeeds();
    await looks(2);
    reverts();
    head += 1n;
    await looks(2);
    expect(end).toEqual({});
    head += 2n;
    await looks(2);
    expect(end.error).toMatchObject({ name: "TransactionFailedError", nonce: 0 });
  });

  it("is told of as one that may still succeed where it is not final in time, and can be waited for", async () => {
    const end = await begin(publication, { timeoutMs: 300 });
    reverts();
    await looks(5);
    expect(end.error).toMatchObject({
      name: "NotMinedError",
      nonce: 0,
      message: expect.stringMatching(/\(it reverted in block 100, which can still be taken back\)/),
    });
    const later = watch(lane.wait({ nonce: 0 }));
    succeeds();
    await looks(2);
    expect(later.result).toMatchObject({ nonce: 0 });
  });

  it("is joined by the same call while it can be taken back, and keeps another one of its key from being signed", async () => {
    const keyed = { ...publication, key: "task" };
    const ends = [await begin(keyed)];
    reverts();
    await looks(2);
    ends.push(watch(lane.mine(keyed)));
    await expect(lane.mine({ ...keyed, data: "0x01" })).rejects.toMatchObject({ code: "ALREADY_SENT" });
    await looks(2);
    succeeds();
    await looks(2);
    expect(ends.map(({ result }) => result?.nonce)).toEqual([0, 0]);
    expect(signed).toHaveLength(1);
  });
});

describe("what is final", () => {
  it("has as many confirmations as were asked for, be they more than finality takes", async () => {
    const end = await begin(publication, { confirmations: 6 });
    blocks.set(0, { blockNumber: 100n, succeeded: true });
    await looks(2);
    for (; head < 104n; head++) await looks();
    await looks(2);
    expect(end).toEqual({});
    head = 105n;
    await looks(2);
    expect(end.result).toMatchObject({ nonce: 0, blockNumber: 100n });
  });

  it("has them also while another transaction is in flight", async () => {
    const end = await begin(publication, { confirmations: 6 });
    await begin(publication);
    blocks.set(0, { blockNumber: 100n, succeeded: true });
    for (; head < 106n; head++) await looks();
    await looks();
    expect(end.result).toMatchObject({ nonce: 0 });
  });

  it("is told of to whoever asks later, also where nobody waited for it", async () => {
    const late = await begin(publication, { timeoutMs: 1 });
    await looks(2);
    expect(late.error).toMatchObject({ name: "NotMinedError", nonce: 0, hash: signed[0]?.hash });
    blocks.set(0, { blockNumber: 100n, succeeded: true });
    const other = await begin(publication);
    await looks();
    blocks.set(1, { blockNumber: 101n, succeeded: true });
    head = 110n;
    await looks(2);
    expect(other.result).toMatchObject({ nonce: 1 });
    lane.reset();
    const end = watch(lane.wait({ nonce: 0 }));
    await looks();
    expect(end.result).toMatchObject({ nonce: 0, hash: signed[0]?.hash });
    expect(lane.inFlight()).toEqual([]);
    await expect(lane.wait({ nonce: 2 })).rejects.toBeInstanceOf(InputError);
  });

  it("is not taken for what another key has signed in the same nonce", async () => {
    const end = await begin(publication);
    blocks.set(0, { blockNumber: 100n, succeeded: true });
    await looks(2);
    const { hash } = end.result ?? {};
    const others = watch(lane.wait({ nonce: 0, hash: hashOf(0xbad) }));
    await looks(2);
    expect(others.error).toMatchObject({
      code: "NOTHING_IN_FLIGHT",
      message: expect.stringMatching(
        /^this client knows of nothing that 0x\w{40} signed in nonce 0 under the hash 0x\w{64}$/,
      ),
    });
    const same = watch(lane.wait({ nonce: 0, ...(hash && { hash }) }));
    await looks();
    expect(same.result).toMatchObject({ hash });
  });

  it("and somebody else's is signed anew, whichever look finds it", async () => {
    const keyed = { ...publication, key: "task" };
    const first = await begin(keyed);
    await looks();
    const second = await begin(publication);
    await looks();
    blocks.set(0, { blockNumber: head, succeeded: true });
    await looks();
    expect(first.result).toMatchObject({ nonce: 0 });
    [used, head] = [2, 110n];
    // Its look at what has its key comes before the next one of those who wait.
    const again = watch(lane.mine({ ...keyed, key: "task" }));
    await time.pass(0);
    await looks(3);
    expect(signed.map(({ nonce }) => nonce)).toContain(2);
    blocks.set(2, { blockNumber: head, succeeded: true });
    blocks.set(3, { blockNumber: head, succeeded: true });
    await looks(3);
    expect([second.result?.nonce, again.result?.nonce].sort()).toEqual([2, 3]);
  });
});

describe("several at once", () => {
  const keyed = { ...publication, key: "task" };
  const succeeds = (nonce: number) => blocks.set(nonce, { blockNumber: head, succeeded: true });

  it("take a nonce each, and the same call one together, also where it is refused because of the first", async () => {
    const ends = [lane.mine(publication), lane.mine(publication), lane.mine(keyed), lane.mine(keyed)].map(watch);
    const gate = Promise.withResolvers<void>();
    ends.push(watch(lane.mine({ ...keyed, check: () => gate.promise })));
    await expect.poll(() => signed.length).toBe(3);
    gate.reject(refusal);
    for (const nonce of [0, 1, 2]) succeeds(nonce);
    await looks(3);
    expect(ends.map(({ result }) => result?.nonce).sort()).toEqual([0, 1, 2, 2, 2]);
    expect(signed.map(({ nonce }) => nonce)).toEqual([0, 1, 2]);
  });

  it("take no nonce of what is in flight, after `reset` and after a lower one was given by hand", async () => {
    await begin(publication, { nonce: 1 });
    await begin(publication, { nonce: 0 });
    await begin(publication);
    lane.reset();
    await begin(publication);
    expect(signed.map(({ nonce }) => nonce)).toEqual([1, 0, 2, 3]);
  });

  it("are checked again where they waited long for their turn: what would be refused by then is not signed", async () => {
    const turn = Promise.withResolvers<void>();
    watch(lane.alone(() => turn.promise));
    const [one, other] = [0, 1].map(() => watch(lane.mine(publication)));
    await looks(100);
    refuses = refusal;
    turn.resolve();
    await looks();
    expect([one?.error, other?.error, signed]).toEqual([refusal, refusal, []]);
  });

  it("are not in flight where they could not be kept", async () => {
    const full = new Error("the disk is full");
    await expect(lane.mine({ ...publication, record: () => Promise.reject(full) })).rejects.toBe(full);
    expect(lane.inFlight()).toEqual([]);
  });

  it("have one of a key, until it is mined", async () => {
    await begin(keyed);
    for (const other of [{ data: "0x01" }, { to: "0x00000000000000000000000000000000c0ffee00" }] as const)
      await expect(lane.mine({ ...keyed, ...other })).rejects.toMatchObject({ code: "ALREADY_SENT" });
    succeeds(0);
    await looks(2);
    await begin({ ...keyed, data: "0x01" });
    expect(signed.map(({ nonce }) => nonce)).toEqual([0, 1]);
  });
});

it("the same call joins what was mined and is in flight again, since its block was taken back", async () => {
  const keyed = { ...publication, key: "task" };
  const first = await begin(keyed);
  blocks.set(0, { blockNumber: head, succeeded: true });
  await looks(2);
  expect(first.result).toMatchObject({ nonce: 0 });
  blocks.clear();
  const again = watch(lane.mine(keyed));
  await looks(2);
  blocks.set(0, { blockNumber: head, succeeded: true });
  await looks(2);
  expect(again.result).toMatchObject({ nonce: 0 });
  expect(signed).toHaveLength(1);
});

describe("of calls that set the same thing", () => {
  const agent = "0x00000000000000000000000000000000c0ffee00";
  const context = () => ({ contracts: requireContracts(1071), signer: signerOfKey("1"), laneOf: () => lane }) as never;
  const begun = async (call: Promise<unknown>) => {
    const before = signed.length;
    const seen = watch(call);
    await expect.poll(() => signed.length).toBe(before + 1);
    return seen;
  };
  /** A stranger's transaction is in the first nonce, and what was signed after that is mined. */
  const displaceFirst = async () => {
    blocks.set(1, { blockNumber: head, succeeded: true });
    await looks();
    [used, head] = [2, head + 10n];
    await looks(3);
  };

  it("the earlier one is not signed anew after the later one: a revoked agent stays revoked", async () => {
    const authorised = await begun(setAgent(context(), agent));
    const revoked = await begun(revokeAgent(context(), agent));
    await displaceFirst();
    expect(signed.map(({ nonce }) => nonce)).toEqual([0, 1]);
    expect(revoked.result).toMatchObject({ nonce: 1 });
    expect(authorised.error).toMatchObject({
      name: "RefusedError",
      code: "SUPERSEDED",
      message: expect.stringMatching(/^the authorisation of the agent .* the revocation of the agent .* nonce 1$/),
    });
  });

  it("the later one is signed anew, and so is one of something else, and one that sets the same in the same way", async () => {
    const revoked = await begun(revokeAgent(context(), agent));
    await begun(setAgent(context(), agent.replace("00", "01")));
    await displaceFirst();
    expect(signed.map(({ nonce }) => nonce)).toEqual([0, 1, 2]);
    await begun(revokeAgent(context(), agent));
    blocks.set(3, { blockNumber: head, succeeded: true });
    await looks();
    [used, head] = [4, head + 10n];
    await looks(3);
    expect(signed.map(({ nonce }) => nonce)).toEqual([0, 1, 2, 3, 4]);
    blocks.set(4, { blockNumber: head, succeeded: true });
    await looks(2);
    expect(revoked.result).toMatchObject({ nonce: 4 });
  });

  it("the one that was begun last has the last word, also where it is ready to be signed first", async () => {
    const [earlier, later] = [lane.turn("terms"), lane.turn("terms")];
    await begin({ ...publication, data: "0x02", turn: later });
    const refused = watch(lane.mine({ ...publication, data: "0x01", turn: earlier }));
    await looks(2);
    expect(refused.error).toMatchObject({ code: "SUPERSEDED" });
    await begin({ ...publication, data: "0x03", turn: lane.turn("terms") });
    expect(signed.map(({ nonce }) => nonce)).toEqual([0, 1]);
  });

  it("the one that was begun last has it also once an earlier one is signed after it that sets the same", async () => {
    const [first, second, last] = [1, 2, 3].map(() => lane.turn("terms"));
    await begin({ ...publication, data: "0x01", ...(last && { turn: last }) });
    await begin({ ...publication, data: "0x01", ...(first && { turn: first }) });
    const refused = lane.mine({ ...publication, data: "0x02", ...(second && { turn: second }) });
    await expect(refused).rejects.toMatchObject({ code: "SUPERSEDED" });
  });
});

describe("an endpoint that fails once something is signed", () => {
  it("ends no call, and is told of where it fails to the end", async () => {
    const ends = [await begin(publication), await begin(publication, { timeoutMs: 500 })];
    fails = down;
    await looks(7);
    expect(ends[0]).toEqual({});
    expect(ends[1]?.error).toMatchObject({ name: "NotMinedError", message: expect.stringMatching(/\(no answer\)/) });
    fails = undefined;
    ends.push(watch(lane.wait({ nonce: 1 }, { timeoutMs: 300 })));
    await looks(5);
    expect(ends[2]?.error?.message).toMatch(/\(no block has it\)/);
    blocks.set(0, { blockNumber: head, succeeded: true });
    await looks(2);
    expect(ends[0]?.result).toMatchObject({ nonce: 0 });
  });
});

describe("what was signed elsewhere in its nonce", () => {
  const fees = { type: "eip1559", maxFeePerGas: 30n, maxPriorityFeePerGas: 3n } as const;
  /** Signed, told of to the lane, and alone in the pool by now. */
  const adopt = async (kind: "confirm" | "cancel", { to, data }: Pick<Transaction, "to" | "data">) => {
    const nonce = toNonce(0);
    const bytes = await signerOfKey("1").sign({ to, data, fees, nonce, gas: 50_000n, chainId: 1071 });
    lane.adopt({ kind, ...bytes, nonce, signedAt: 0 }, refusal);
    signed = [{ nonce, hash: bytes.hash }];
    return bytes.hash;
  };

  it("is its own where it is the same call", async () => {
    const end = await begin(publication);
    const hash = await adopt("confirm", publication);
    blocks.set(0, { blockNumber: head, succeeded: true });
    await looks(2);
    expect(end.result).toMatchObject({ nonce: 0, hash });
  });

  it("is not what is told of where the one before it was mined, and waits for its confirmations", async () => {
    const end = await begin(publication, { confirmations: 5, timeoutMs: 300 });
    const before = [...signed];
    await adopt("confirm", publication);
    signed = before;
    blocks.set(0, { blockNumber: head, succeeded: true });
    await looks(5);
    expect(end.error).toMatchObject({ name: "NotMinedError", hash: before[0]?.hash });
  });

  it("calls it off where it uses the nonce up", async () => {
    const end = await begin(publication);
    await adopt("cancel", publication);
    blocks.set(0, { blockNumber: head, succeeded: true });
    head += 3n;
    await looks(2);
    expect(end.error).toBe(refusal);
  });

  it("keeps another one of its key from being signed while its end can be taken back", async () => {
    const keyed = { ...publication, key: "task" };
    const end = await begin(keyed);
    await adopt("cancel", { to: "0x00000000000000000000000000000000c0ffee00", data: "0x" });
    blocks.set(0, { blockNumber: head, succeeded: true });
    await looks(2);
    const other = watch(lane.mine({ ...keyed, data: "0x01" }));
    await looks(2);
    expect(other.error).toMatchObject({ code: "ALREADY_SENT" });
    head += 3n;
    await looks(2);
    expect(end.error).toBe(refusal);
  });

  it.each<[string, Partial<Transaction>]>([
    ["the same contract", { data: "0x01" }],
    ["another contract", { to: "0x00000000000000000000000000000000c0ffee00" }],
  ])("is not its own where it calls something else of %s: it is signed anew", async (_, other) => {
    const end = await begin(publication);
    await adopt("confirm", { ...publication, ...other });
    blocks.set(0, { blockNumber: head, succeeded: true });
    await looks(2);
    expect(end).toEqual({});
    head += 3n;
    await looks(3);
    expect(signed.map(({ nonce }) => nonce)).toEqual([0, 1]);
    blocks.set(1, { blockNumber: head, succeeded: true });
    await looks(2);
    expect(end.result).toMatchObject({ nonce: 1 });
  });
});

describe("the next nonce", () => {
  it.each([
    ["too high a count", { here: 9, elsewhere: 3 }],
    ["too low a count", { here: 3, elsewhere: 9 }],
  ])("is taken by no one's word at first where an endpoint tells %s: nothing is signed", async (_, counts) => {
    pending = counts;
    const end = watch(lane.mine(publication));
    await looks(20);
    expect(end.error).toMatchObject({
      name: "RetryableError",
      code: "ENDPOINTS_DISAGREE",
      message: expect.stringMatching(/one endpoint counts \d transactions of 0x\w{40}, and another one \d/),
    });
    expect(signed).toEqual([]);
  });

  it("is taken as soon as the endpoints agree", async () => {
    pending = { here: 4, elsewhere: 3 };
    const end = watch(lane.mine(publication));
    await looks(2);
    expect(signed).toEqual([]);
    pending = { here: 4, elsewhere: 4 };
    await looks(2);
    expect(signed.map(({ nonce }) => nonce)).toEqual([4]);
    expect(end).toEqual({});
  });

  it("follows what this client has signed, whatever is counted below it, and another count only by two endpoints", async () => {
    await begin(publication);
    pending = { here: 0, elsewhere: down };
    await begin(publication);
    pending = { here: 2, elsewhere: 0 };
    await begin(publication);
    pending = { here: 7, elsewhere: 3 };
    const refused = watch(lane.mine(publication));
    await looks(20);
    expect(refused.error).toMatchObject({ code: "ENDPOINTS_DISAGREE" });
    pending = { here: 7, elsewhere: 7 };
    await begin(publication);
    expect(signed.map(({ nonce }) => nonce)).toEqual([0, 1, 2, 7]);
  });

  it.each([
    ["a transaction waits in it", { elsewhere: 5 }, 4],
    ["a transaction waits in it", { here: 5, elsewhere: down }, 4],
  ])("given by hand is refused where any of two endpoints tells that %s", async (why, counts, nonce) => {
    pending = counts;
    const refused = watch(lane.mine(publication, { nonce }));
    await looks(2);
    expect(refused.error).toMatchObject({ code: "NONCE_TAKEN", message: expect.stringContaining(why) });
    expect(signed).toEqual([]);
    pending = { here: 4, elsewhere: 4 };
    await begin(publication, { nonce });
    expect(signed.map((each) => each.nonce)).toEqual([nonce]);
  });

  it("given by hand is refused where something is mined or signed in it, and nothing is signed in another one", async () => {
    used = 3;
    const refused = async (nonce: number, why: string) => {
      const { error } = await settled(lane.mine(publication, { nonce }));
      expect(error).toMatchObject({ code: "NONCE_TAKEN", message: expect.stringContaining(why) });
    };
    await refused(2, "a transaction is mined in it");
    const end = await begin(publication, { nonce: 3 });
    await refused(3, "is signed in it");
    [used, head] = [4, head + 10n];
    await looks(3);
    expect(end.error).toMatchObject({
      code: "NONCE_TAKEN",
      message: expect.stringContaining("by another transaction"),
    });
    expect(signed.map(({ nonce }) => nonce)).toEqual([3]);
  });

  it("that somebody else used is told of, too, where the endpoint fails before the call is signed in another one", async () => {
    const end = await begin(publication);
    refuses = down;
    [used, head] = [1, head + 10n];
    await looks(3);
    expect(end.error).toMatchObject({
      ...{ name: "RefusedError", code: "NONCE_TAKEN", cause: down },
      message: "nonce 0 was used by another transaction than the publication",
    });
  });

  it("is what the one endpoint says that answers", async () => {
    pending = { here: 5, elsewhere: down };
    await begin(publication);
    expect(signed.map(({ nonce }) => nonce)).toEqual([5]);
  });
});
