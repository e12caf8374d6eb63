import { afterEach, beforeEach, expect, it } from "vitest";
import type { Attempt, Confirmation, Journal } from "../../../src/journal/journal.ts";
import { commandOwner, type Fence } from "../../../src/journal/leaseJournal.ts";
import { type AccountAddress, toNonce, wei } from "../../../src/protocol/brand.ts";
import { address, hashOf, response, source, task } from "../../support/fakeChain.ts";
import { describeJournals, type JournalPlace } from "../../support/journals.ts";

const signer = address<AccountAddress>(0x51);
const ttl = 30_000;

const attempt = (nonce: number): Attempt => ({
  kind: "confirm",
  hash: hashOf(0x100 + nonce),
  raw: "0x02",
  nonce: toNonce(nonce),
  signedAt: 0,
});

describeJournals("a lease", (journals, kind) => {
  let place: JournalPlace;
  /** Two writers on one journal. */
  let one: Journal;
  let two: Journal;

  beforeEach(async () => {
    place = await journals.place();
    one = await place.open({ shared: true });
    two = await place.open({ shared: true });
  });
  afterEach(async () => {
    await Promise.all([one.close(), two.close()]);
    await place.remove();
  });
  const intend = async (its = { task, response }): Promise<Confirmation> => {
    const { task, response } = its;
    await one.intake({ tasks: [{ task, source }], responses: [{ response, task }], touched: [] });
    const verdict = { kind: "confirm", reason: "", until: undefined, policy: "p", policyDigest: "d" } as const;
    const block = { number: 1n, hash: hashOf(1) };
    const facts = { payloadDigest: "", responseDigest: "r", payment: wei(1n), mode: "enforce" } as const;
    const made = await one.decide([{ ...verdict, ...facts, task, response, block }], 0);
    if (!made) throw new Error("no intent");
    return made;
  };
  it("is one owner's until it expires, and the next one's token is higher", async () => {
    const first = await one.takeLease(signer, "one", 0, ttl);
    expect(first).toEqual({ signer, owner: "one", token: 1, expiresAt: ttl });
    expect(await two.takeLease(signer, "two", ttl - 1, ttl)).toEqual(first);
    expect(await one.renewLease(first, ttl + 5)).toBe(true);
    expect(await two.takeLease(signer, "two", ttl, ttl)).toMatchObject({ owner: "one" });
    expect(await two.takeLease(signer, "two", ttl + 5, ttl)).toMatchObject({ owner: "two", token: 2 });
    expect(await one.renewLease(first, 10 * ttl)).toBe(false);
    expect(await one.leases()).toEqual([{ signer, owner: "two", token: 2, expiresAt: 2 * ttl + 5 }]);
  });

  it("that its holder takes again has a new token: who wrote by the old one writes no more", async () => {
    const first = await one.takeLease(signer, "one", 0, ttl);
    const again = await two.takeLease(signer, "one", 1, ttl);
    expect(again).toEqual({ signer, owner: "one", token: 2, expiresAt: ttl + 1 });
    expect(await one.renewLease(first, 10 * ttl)).toBe(false);
  });

  it("that is given back is free at once; giving back what is another's changes nothing", async () => {
    const first = await one.takeLease(signer, "one", 0, ttl);
    await one.releaseLease(first);
    const second = await two.takeLease(signer, "two", 1, ttl);
    expect(second).toMatchObject({ owner: "two", token: 2 });
    await one.releaseLease(first);
    expect(await one.takeLease(signer, "one", 2, ttl)).toEqual(second);
  });

  it("is free when the journal is opened by itself: whoever held it would hold the journal's lock", async () => {
    await one.takeLease(signer, "one", 0, ttl);
    const restarted = await place.open();
    expect(await restarted.takeLease(signer, "restarted", 1, ttl)).toMatchObject({ owner: "restarted", token: 2 });
    await restarted.close();
  });

  it("of a command beside a daemon stays when another daemon comes, and ends by itself", async () => {
    const former = await place.open();
    const other = address<AccountAddress>(0x52);
    await former.takeLease(other, "box 1", 0, ttl);
    const owner = commandOwner("confirm", "box", { besideDaemon: true });
    const beside = await one.takeLease(signer, owner, 0, ttl);
    await former.close();
    const next = await place.open();
    expect(await next.takeLease(signer, "box 2", 1, ttl)).toEqual(beside);
    expect(await next.takeLease(other, "box 2", 1, ttl)).toMatchObject({ owner: "box 2" });
    expect(await one.renewLease(beside, ttl + 5)).toBe(true);
    expect(await next.takeLease(signer, "box 2", ttl, ttl)).toMatchObject({ owner });
    expect(await next.takeLease(signer, "box 2", ttl + 5, ttl)).toMatchObject({ owner: "box 2", token: 2 });
    expect(await one.renewLease(beside, 10 * ttl)).toBe(false);
    await next.close();
  });

  it("of a command that held the journal is free where the journal's lock shows that it is gone", async () => {
    const former = await place.open();
    const owner = commandOwner("confirm", "box", { besideDaemon: false });
    await former.takeLease(signer, owner, 0, ttl);
    await former.close();
    const next = await place.open();
    // A server's lock shows that a connection is gone: whoever had it may be sending yet.
    const expected = kind === "SQLite" ? { owner: "box 1", token: 2 } : { owner, token: 1 };
    expect(await next.takeLease(signer, "box 1", 1, ttl)).toMatchObject(expected);
    await next.close();
  });

  it("lets one daemon at a time write for its key, whichever comes last", async () => {
    const intent = await intend();
    const old = await one.takeLease(signer, "one", 0, ttl);
    await one.recordAttempt(intent.id, signer, attempt(0), [old]);
    const current = await two.takeLease(signer, "two", ttl, ttl);
    const before = await one.confirmation(intent.id);
    const other: Fence = { signer: address<AccountAddress>(0x52), token: 2 };
    for (const fences of [[old], [], [other], undefined]) {
      const lost = { code: "LEASE_LOST", signer };
      const [record, more] = [attempt(0), attempt(1)];
      await expect(one.recordAttempt(intent.id, signer, { ...record, hash: hashOf(7) }, fences)).rejects.toMatchObject(
        lost,
      );
      const batch = [{ confirmationId: intent.id, signer, attempt: more }];
      await expect(one.recordAttempts(batch, fences)).rejects.toMatchObject(lost);
      await expect(one.markBroadcast([intent.id], fences)).rejects.toMatchObject(lost);
      await expect(one.changeConfirmation(intent.id, { state: "intended" }, fences)).rejects.toMatchObject(lost);
      const changes = [{ id: intent.id, change: { state: "final" } }] as const;
      await expect(one.changeConfirmations(changes, fences)).rejects.toMatchObject(lost);
      const filler = { hash: hashOf(9), raw: "0x02", nonce: toNonce(9), signedAt: 0 } as const;
      await expect(one.recordFiller(signer, filler, wei(1n), fences)).rejects.toMatchObject(lost);
    }
    expect(await two.confirmation(intent.id)).toEqual(before);
    expect(await two.fillers(signer, toNonce(0))).toEqual([]);
    await two.markBroadcast([intent.id], [other, current]);
    expect(await two.confirmation(intent.id)).toMatchObject({ state: "broadcast" });
  });

  it("is not asked for what is in flight no more: whoever finds its task settled says so", async () => {
    const { id } = await intend();
    const first = await one.takeLease(signer, "one", 0, ttl);
    await one.recordAttempt(id, signer, attempt(0), [first]);
    await one.changeConfirmation(id, { state: "intended" }, [first]);
    const second = await two.takeLease(address<AccountAddress>(0x52), "two", 0, ttl);
    await two.changeConfirmation(id, { state: "superseded", reason: "FINALIZED" }, [second]);
    expect(await one.confirmation(id)).toMatchObject({ state: "superseded", attempts: [{ nonce: 0 }] });
  });

  it("is asked of the key alone that signed last, where several have", async () => {
    const { id } = await intend();
    const second = address<AccountAddress>(0x52);
    await one.recordAttempt(id, signer, attempt(0));
    await one.changeConfirmation(id, { state: "intended" });
    const others = await two.takeLease(signer, "two", 0, ttl);
    const own = await one.takeLease(second, "one", 0, ttl);
    await one.recordAttempt(id, second, { ...attempt(0), hash: hashOf(8) }, [own]);
    const lost = { code: "LEASE_LOST", signer: second };
    await expect(two.markBroadcast([id], [others])).rejects.toMatchObject(lost);
    await expect(two.changeConfirmation(id, { state: "intended" }, [others])).rejects.toMatchObject(lost);
    await one.markBroadcast([id], [own]);
    await one.changeConfirmation(id, { state: "mined" }, [own]);
    expect(await two.confirmation(id)).toMatchObject({ state: "mined" });
    expect([await one.highestNonce(signer), await one.highestNonce(address(0x53))]).toEqual([0, undefined]);
  });

  it("is asked for each key of what is written together", async () => {
    const [first, second] = [await intend(), await intend({ task: address(0x71), response: address(0x72) })];
    const others = address<AccountAddress>(0x52);
    const own = await one.takeLease(signer, "one", 0, ttl);
    await one.recordAttempt(first.id, signer, attempt(0), [own]);
    await two.recordAttempt(second.id, others, { ...attempt(0), hash: hashOf(8) }, [
      await two.takeLease(others, "two", 0, ttl),
    ]);
    const ids = [first.id, second.id];
    await expect(one.markBroadcast(ids, [own])).rejects.toMatchObject({ code: "LEASE_LOST", signer: others });
    expect((await one.confirmations(ids)).map(({ state }) => state)).toEqual(["signed", "signed"]);
  });

  it("lets a command sign by hand by its newest token, and not where a confirmation holds the task", async () => {
    await one.takeLease(signer, "one", 0, ttl);
    const own = await one.takeLease(signer, "one", 1, ttl);
    await one.intake({ tasks: [{ task, source }], responses: [{ response, task }], touched: [] });
    const verdict = { kind: "confirm", reason: "", until: undefined, policy: "by hand", policyDigest: "" } as const;
    const facts = { payloadDigest: "", responseDigest: "r", payment: wei(1n), mode: "enforce" } as const;
    const decision = { ...verdict, ...facts, task, response, block: { number: 1n, hash: hashOf(1) } };
    expect(await one.recordByHand(decision, signer, attempt(0), 0, [own])).toMatchObject({ state: "signed", nonce: 0 });
    await expect(one.recordByHand(decision, signer, attempt(1), 0, [own])).rejects.toMatchObject({
      code: "ALREADY_SENT",
    });
  });

  it("does not let a second key sign what a first one has in flight", async () => {
    const intent = await intend();
    await one.recordAttempt(intent.id, signer, attempt(5));
    const second = address<AccountAddress>(0x52);
    await expect(one.recordAttempt(intent.id, second, { ...attempt(5), hash: hashOf(8) })).rejects.toMatchObject({
      code: "NONCE_CONFLICT",
    });
  });

  it("does not let a first key sign what a second one has taken up, which may offer more for it", async () => {
    const { id } = await intend();
    const second = address<AccountAddress>(0x52);
    await one.recordAttempt(id, signer, attempt(5));
    await one.changeConfirmation(id, { state: "intended" });
    await one.recordAttempt(id, second, { ...attempt(5), hash: hashOf(8) });
    await expect(one.recordAttempt(id, signer, { ...attempt(5), hash: hashOf(9) })).rejects.toMatchObject({
      code: "NONCE_CONFLICT",
    });
    const replaced = await one.recordAttempt(id, second, { ...attempt(5), hash: hashOf(10) });
    expect(replaced.attempts.map(({ hash }) => hash)).toEqual([attempt(5).hash, hashOf(8), hashOf(10)]);
  });
});
