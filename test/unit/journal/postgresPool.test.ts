import pg from "pg";
import { expect, it } from "vitest";
import type { Attempt } from "../../../src/journal/journal.ts";
import { type AccountAddress, toNonce, wei } from "../../../src/protocol/brand.ts";
import { address, hashOf, response, source, task } from "../../support/fakeChain.ts";
import { describePostgres, postgresPlace } from "../../support/journals.ts";

describePostgres("a journal in PostgreSQL whose reads take long", (server) => {
  it("stores what was signed meanwhile: a write waits for no read", async () => {
    const place = await postgresPlace(server(), "slow_reads");
    const journal = await place.open();
    await journal.intake({ tasks: [{ task, source }], responses: [{ response, task }], touched: [] });
    const verdict = { kind: "confirm", reason: "", until: undefined, policy: "p", policyDigest: "d" } as const;
    const facts = { payloadDigest: "", responseDigest: "r", payment: wei(1n), mode: "enforce" } as const;
    const block = { number: 1n, hash: hashOf(1) };
    const intent = await journal.decide([{ ...verdict, ...facts, task, response, block }], 0);

    const url = new URL(server().urlOf("slow_reads"));
    url.password = encodeURIComponent(server().password);
    const blocker = new pg.Client({ connectionString: url.href });
    await blocker.connect();
    await blocker.query("BEGIN; LOCK TABLE responses IN ACCESS EXCLUSIVE MODE");
    const reads = Array.from({ length: 12 }, () => journal.glance(task));
    const outcomes = Promise.allSettled(reads);
    const attempt: Attempt = { kind: "confirm", hash: hashOf(1), raw: "0x02", nonce: toNonce(5), signedAt: 1 };
    const signed = await journal.recordAttempt(intent?.id ?? 0, address<AccountAddress>(0x51), attempt);
    expect(signed.state).toBe("signed");
    await blocker.query("ROLLBACK");
    await blocker.end();
    expect((await outcomes).map(({ status }) => status)).toEqual(reads.map(() => "fulfilled"));
    await journal.close();
    await place.remove();
  });
});
