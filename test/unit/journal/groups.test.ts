import { expect, it } from "vitest";
import type { Confirmation, Journal, NewAttempt } from "../../../src/journal/journal.ts";
import {
  type AccountAddress,
  type ResponseAddress,
  type TaskAddress,
  toNonce,
  wei,
} from "../../../src/protocol/brand.ts";
import { address, hashOf, source } from "../../support/fakeChain.ts";
import { describeJournals } from "../../support/journals.ts";

const signer = address<AccountAddress>(0xd1);
const taskOf = (number: number) => address<TaskAddress>(0x10000 + number);
const all = { since: 0, after: undefined, limit: 1_000 };
const block = { number: 7n, hash: hashOf(7) };

/** A journal in which so many confirmations are intended. */
async function intend(journal: Journal, count: number): Promise<readonly Confirmation[]> {
  const numbers = Array.from({ length: count }, (_, number) => number);
  const responses = numbers.map((number) => ({ task: taskOf(number), response: address<ResponseAddress>(number + 1) }));
  const tasks = responses.map(({ task }) => ({ task, source }));
  await journal.intake({ tasks, responses, touched: [], cursor: block, audited: block });
  const intents: Confirmation[] = [];
  for (const each of responses) {
    const verdict = { kind: "confirm", reason: "eligible", until: undefined, policy: "p", policyDigest: "d" } as const;
    const seen = { mode: "enforce", block, payloadDigest: "", payment: wei(5n), responseDigest: "r" } as const;
    const intent = await journal.decide([{ ...verdict, ...seen, ...each }], 1);
    if (intent) intents.push(intent);
  }
  return intents;
}

const attemptFor = ({ id }: Confirmation, nonce: number): NewAttempt => ({
  confirmationId: id,
  signer,
  attempt: {
    ...{ kind: "confirm", hash: hashOf(1_000 + id), raw: "0x02", nonce: toNonce(nonce) },
    ...{ signedAt: 100 + nonce, maxCost: wei(9n) },
  },
});

describeJournals("many confirmations at once", (journals) => {
  it("may have one among them more than once: it comes to what it would one after the other", async () => {
    const place = await journals.place();
    const journal = await place.open();
    const [intent] = await intend(journal, 1);
    if (intent === undefined) throw new Error("nothing is intended");
    const first = attemptFor(intent, 0);
    const again: NewAttempt = { ...first, attempt: { ...first.attempt, kind: "cancel", hash: hashOf(7) } };
    await journal.recordAttempts([first, again]);
    const changes = (["mined", "final"] as const).map((state) => ({ id: intent.id, change: { state } }));
    await journal.changeConfirmations(changes);
    const { state, attempts } = await journal.confirmation(intent.id);
    expect([state, attempts.map(({ kind }) => kind)]).toEqual(["final", ["confirm", "cancel"]]);
    await journal.close();
    await place.remove();
  });

  it.each([1, 3, 4, 87])("are kept as each by itself would be: %i of them", async (count) => {
    const [together, apart] = [await journals.place(), await journals.place()];
    const [many, single] = [await together.open(), await apart.open()];
    const intents = await intend(many, count);
    expect(await intend(single, count)).toEqual(intents);
    const ids = intents.map(({ id }) => id);
    expect(await many.confirmations(ids.toReversed())).toEqual(intents.toReversed());

    const attempts = intents.map(attemptFor);
    const signed = await many.recordAttempts(attempts);
    expect(signed.map(({ id, nonce, state }) => ({ id, nonce, state }))).toEqual(
      ids.map((id, nonce) => ({ id, nonce, state: "signed" })),
    );
    for (const { confirmationId, attempt } of attempts) await single.recordAttempt(confirmationId, signer, attempt);
    expect(await many.unsettled()).toEqual(signed);
    expect(await single.unsettled()).toEqual(signed);

    await many.markBroadcast([...ids, 9_999]);
    expect(await many.confirmations(ids)).toEqual(signed.map((each) => ({ ...each, state: "broadcast" as const })));
    await single.markBroadcast(ids);
    const changes = signed.map(({ id, nonce, attempts: [made] }, index) => {
      const mined = { hash: made?.hash ?? hashOf(0), blockNumber: BigInt(index) };
      const gasPaid = { signer, nonce: nonce ?? toNonce(0), cost: wei(BigInt(index)) };
      return index % 3 === 0
        ? { id, change: { state: "mined", mined } as const }
        : { id, change: { state: index % 3 === 1 ? "final" : "superseded", reason: "why", mined, gasPaid } as const };
    });
    expect(await many.changeConfirmations(changes)).toEqual(await many.confirmations(ids));
    for (const { id, change } of changes) await single.changeConfirmation(id, change);
    expect(await single.confirmations(ids)).toEqual(await many.confirmations(ids));
    expect(await single.moneySpent(all)).toEqual(await many.moneySpent(all));
    expect(await single.gasSpent(all)).toEqual(await many.gasSpent(all));
    for (const { task } of intents) expect(await single.task(task)).toEqual(await many.task(task));
    await Promise.all([many.close(), single.close()]);
    await Promise.all([together.remove(), apart.remove()]);
  });

  it("are all left as they were where one of them may not change", async () => {
    const place = await journals.place();
    const journal = await place.open();
    const intents = await intend(journal, 70);
    const [first, ...rest] = intents as [Confirmation, ...Confirmation[]];
    await journal.recordAttempts([attemptFor(first, 69)]);
    const before = await journal.unsettled();
    const conflict = { code: "NONCE_CONFLICT", message: `nonce 69 of ${signer} belongs to confirmation ${first.id}` };
    await expect(journal.recordAttempts(rest.map((each, at) => attemptFor(each, at + 1)))).rejects.toMatchObject(
      conflict,
    );
    const twice = rest.slice(0, 2).map((each) => attemptFor(each, 5));
    await expect(journal.recordAttempts(twice)).rejects.toMatchObject({ code: "NONCE_CONFLICT" });
    const missing = { code: "JOURNAL_INCONSISTENT", message: "the journal has no confirmation 9999" };
    const changes = [...rest.map(({ id }) => id), 9_999].map((id) => ({ id, change: { state: "dead" as const } }));
    await expect(journal.changeConfirmations(changes)).rejects.toMatchObject(missing);
    expect(await journal.unsettled()).toEqual(before);
    expect(await journal.gasSpent(all)).toHaveLength(1);
    await journal.close();
    await place.remove();
  });
});
