import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { confirmationJournal } from "../../../src/journal/confirmationJournal.ts";
import type { Attempt, ConfirmationState, Decision } from "../../../src/journal/journal.ts";
import { sqliteStore } from "../../../src/journal/sqliteStore.ts";
import { type ResponseAddress, type TaskAddress, toNonce, wei } from "../../../src/protocol/brand.ts";
import { address, hashOf, response, source, task } from "../../support/fakeChain.ts";
import { createSinkBench, type SinkBench } from "../../support/sinkBench.ts";

let bench: SinkBench;
let database: DatabaseSync;
/** Times that something was brought to the disk. */
let synced: number;
let journal: ReturnType<typeof confirmationJournal>;
beforeEach(() => {
  const directory = mkdtempSync(join(tmpdir(), "durable-"));
  bench = createSinkBench(directory);
  database = new DatabaseSync(join(directory, "journal.sqlite"));
  synced = 0;
  const sync = () => {
    synced += 1;
  };
  journal = confirmationJournal(sqliteStore({ database, log: { check: () => undefined, sync } }));
});
afterEach(async () => {
  database.close();
  await bench.remove();
});

const attempt = (nonce: number): Attempt => ({
  ...{ kind: "confirm", hash: hashOf(0x100 + nonce), raw: "0x02", nonce: toNonce(nonce), signedAt: 0 },
});
const other = { task: address<TaskAddress>(0x1b), response: address<ResponseAddress>(0x3b) };
const decisionOf = (kind: Decision["kind"]): Decision => ({
  ...{ kind, task, response, reason: "", until: undefined, policy: "p", policyDigest: "d", mode: "enforce" },
  ...{ block: { number: 1n, hash: hashOf(1) }, payloadDigest: "", responseDigest: "r", payment: wei(1n) },
});
const known = () => bench.journal.intake({ tasks: [{ task, source }], responses: [{ response, task }], touched: [] });

describe("what may be sent or forgotten after that", () => {
  it("is on the disk when the journal answers: whatever is signed, by the daemon or by hand", async () => {
    const { signer } = bench;
    const [first, second] = [await bench.intend(other), await bench.intend({ ...other, task: address(0x1c) })];
    await journal.recordAttempt(first.id, signer.address, attempt(0));
    expect(synced).toBe(1);
    await journal.recordAttempts([{ confirmationId: second.id, signer: signer.address, attempt: attempt(1) }]);
    expect(synced).toBe(2);
    await known();
    await journal.recordByHand(decisionOf("confirm"), signer.address, attempt(2), 0);
    expect(synced).toBe(3);
  });

  it.each<[ConfirmationState, number]>([
    ["intended", 1],
    ["superseded", 1],
    ["cancelled", 1],
    ["dead", 1],
    ["broadcast", 0],
    ["mined", 0],
    ["final", 0],
  ])("where what was signed has come to %s: %i, since the chain tells the others again", async (state, times) => {
    const { id } = await bench.intend();
    await bench.journal.recordAttempt(id, bench.signer.address, attempt(0));
    await journal.changeConfirmation(id, { state });
    expect(synced).toBe(times);
    await bench.journal.recordAttempt((await bench.intend(other)).id, bench.signer.address, attempt(1));
    await journal.changeConfirmations([
      { id, change: { state } },
      { id: id + 1, change: { state: "mined" } },
    ]);
    expect(synced).toBe(2 * times);
  });

  it("and a verdict, but for one that pays: what it leads to is signed next", async () => {
    await known();
    await journal.decide([decisionOf("wait")], 0);
    expect(synced).toBe(1);
    await journal.decide([decisionOf("confirm")], 0);
    expect(synced).toBe(1);
  });
});
