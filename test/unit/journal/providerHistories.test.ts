import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import pg from "pg";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Decision, Journal } from "../../../src/journal/journal.ts";
import { migrations } from "../../../src/journal/migrations.ts";
import { postgresMigrations } from "../../../src/journal/postgres/postgresMigrations.ts";
import type { ProviderHistory } from "../../../src/policy/policyPort.ts";
import { type AccountAddress, type ResponseAddress, type TaskAddress, wei } from "../../../src/protocol/brand.ts";
import { address, hashOf, source } from "../../support/fakeChain.ts";
import { describeJournals, type JournalPlace } from "../../support/journals.ts";

const providers = [1, 2, 3].map((number) => address<AccountAddress>(0x600 + number));
const kinds = ["confirm", "reject", "wait", "hold"] as const;
const taskAt = (number: number) => address<TaskAddress>(0x100 + number);
const responsesEach = 3;
const day = 86_400_000;

type Judged = { readonly task: number; readonly response: number; readonly kind: Decision["kind"] };

/** The provider of a response, or nobody. */
const providerOf = ({ task, response }: Judged) => [...providers, undefined][(task * 5 + response) % 4];
const responseOf = ({ task, response }: Judged) => address<ResponseAddress>(0x300 + task * responsesEach + response);
const paymentAt = (at: number) => wei(BigInt(at + 1) * 10n ** 18n);

const decisionOf = (judged: Judged, at: number): Decision => {
  const provider = providerOf(judged);
  return {
    ...{ task: taskAt(judged.task), response: responseOf(judged), kind: judged.kind, reason: "", until: undefined },
    ...{ policy: "p", policyDigest: "d", mode: "shadow", block: { number: 1n, hash: hashOf(1) } },
    ...{ payloadDigest: "", payment: paymentAt(at), responseDigest: "r", ...(provider && { provider }) },
  };
};

/** What the whole past says, whatever of it was pruned. */
const fromScratch = (past: readonly Judged[]) =>
  new Map(
    providers.map((provider): [AccountAddress, ProviderHistory] => {
      const own = past.filter((each) => providerOf(each) === provider);
      const count = (...counted: readonly Decision["kind"][]) =>
        new Set(own.filter(({ kind }) => counted.includes(kind)).map(responseOf)).size;
      const prices = past.flatMap((each, at) => (own.includes(each) && each.kind === "confirm" ? [paymentAt(at)] : []));
      const price = prices.length === 0 ? 0n : prices.reduce((sum, each) => sum + each, 0n) / BigInt(prices.length);
      const figures = { approved: count("confirm"), rejected: count("reject"), price: wei(price) };
      return [provider, { seen: count("confirm", "reject", "hold"), ...figures }];
    }),
  );

const judged = fc.record({
  task: fc.nat({ max: 3 }),
  response: fc.nat({ max: responsesEach - 1 }),
  kind: fc.constantFrom(...kinds),
});
/** Verdicts of one transaction, or a task that is over and pruned. */
const step = fc.oneof(
  { weight: 4, arbitrary: fc.array(judged, { minLength: 1, maxLength: 4 }) },
  { weight: 1, arbitrary: fc.nat({ max: 3 }) },
);

/** An older journal's rows: of a pruned past, and of verdicts, several of one response. */
const oldRows = `
  INSERT INTO tasks (task, source) VALUES ('${taskAt(0)}', '${source}');
  INSERT INTO pruned_histories VALUES ('${providers[0]}', 10, 7, 4), ('${providers[2]}', 1, 0, 1);
  ${(
    [
      ["0xa", providers[0], "wait"],
      ["0xa", providers[0], "hold"],
      ["0xa", providers[0], "reject"],
      ["0xa", providers[0], "confirm"],
      ["0xb", providers[0], "confirm"],
      ["0xb", providers[0], "confirm"],
      ["0xc", providers[1], "reject"],
      ["0xd", providers[1], "wait"],
      ["0xe", undefined, "confirm"],
    ] as const
  )
    .map(
      ([response, provider, kind]) => `
  INSERT INTO verdicts (task, response, kind, reason, policy, policy_digest, mode, block_number, block_hash,
    payload_digest, payment, response_digest, provider, decided_at)
  VALUES ('${taskAt(0)}', '${response}', '${kind}', '', 'p', 'd', 'shadow', 1, '0x1', '', '6', 'r',
    ${provider === undefined ? "NULL" : `'${provider}'`}, 1);`,
    )
    .join("")}`;

describeJournals("providers' histories", (journals, database) => {
  let place: JournalPlace;
  let journal: Journal;
  const begin = async () => {
    place = await journals.place();
    journal = await place.open();
  };
  const end = async () => {
    await journal.close();
    await place.remove();
  };
  beforeEach(begin);
  afterEach(async () => {
    vi.restoreAllMocks();
    await end();
  });

  const intake = async () => {
    const tasks = [0, 1, 2, 3, 9].map((number) => ({ task: taskAt(number), source, block: 1n }));
    await journal.intake({ tasks, responses: [], touched: [] });
  };

  it("are what a count from scratch says, whatever was judged again and pruned meanwhile", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
        await end();
        await begin();
        await intake();
        const past: Judged[] = [];
        const over = new Set<number>();
        for (const each of steps) {
          if (typeof each === "number") {
            over.add(each);
            await journal.settleTask(taskAt(each), "closed", "over", 2n);
            await journal.noteSettled(0);
            // The newest verdict of a journal is never pruned.
            await journal.decide([decisionOf({ task: 9, response: 0, kind: "wait" }, 0)], 0);
            await journal.prune({ settledBefore: day, now: 9 * day, limit: 10 });
            expect((await journal.task(taskAt(each)))?.verdicts).toEqual([]);
          } else {
            const fresh = each.filter(({ task }) => !over.has(task));
            await journal.decide(
              fresh.map((one, at) => decisionOf(one, past.length + at)),
              0,
            );
            past.push(...fresh);
          }
          expect(await journal.providerHistory(providers)).toEqual(fromScratch(past));
        }
      }),
      { numRuns: database === "SQLite" ? 100 : 15 },
    );
  });

  it("count a verdict that another connection adds at the same time", async () => {
    await intake();
    const other = await place.open({ shared: true });
    const add = (of: Journal, task: number) =>
      Promise.all(
        [0, 1, 2].map((response) => of.decide([decisionOf({ task, response: response % 2, kind: "reject" }, 0)], 0)),
      );
    await Promise.all([0, 1, 2, 3].flatMap((task) => [add(journal, task), add(other, task)]));
    await other.close();
    const all = [0, 1, 2, 3].flatMap((task) => [0, 1].map((response): Judged => ({ task, response, kind: "reject" })));
    expect(await journal.providerHistory(providers)).toEqual(fromScratch(all));
  });

  it("of a journal of version 9 say what they said, and go on from there", async () => {
    await journal.close();
    await place.remove();
    place = await journals.place();
    await place.beginWith(
      database === "SQLite"
        ? `${migrations.slice(0, 9).join("")} PRAGMA user_version = 9; ${oldRows}`
        : `${postgresMigrations.flatMap(({ to, sql }) => (to > 9 ? [] : [sql])).join("")} ${oldRows}
           INSERT INTO meta VALUES ('schema', '9'), ('chainId', '1071')`,
    );
    journal = await place.open();
    const [first, second, third] = providers as [AccountAddress, AccountAddress, AccountAddress];
    expect(await journal.providerHistory(providers)).toEqual(
      new Map([
        [first, { seen: 12, approved: 9, rejected: 5, price: wei(6n) }],
        [second, { seen: 1, approved: 0, rejected: 1, price: wei(0n) }],
        [third, { seen: 1, approved: 0, rejected: 1, price: wei(0n) }],
      ]),
    );
    const again = { ...decisionOf({ task: 0, response: 0, kind: "reject" }, 0), provider: first };
    const known = { ...again, response: "0xb" as ResponseAddress };
    await journal.decide([{ ...again, response: "0xf" as ResponseAddress }, known, known], 0);
    expect((await journal.providerHistory(providers)).get(first)).toMatchObject({ seen: 13, approved: 9, rejected: 7 });
  });

  it.runIf(database === "PostgreSQL")("are read in a few rows, however many approvals a provider has", async () => {
    await place.tamper(`
      INSERT INTO tasks (task, source) VALUES ('${taskAt(0)}', '${source}');
      ALTER TABLE verdicts DISABLE TRIGGER USER;
      INSERT INTO verdicts (task, response, kind, reason, policy, policy_digest, mode, block_number, block_hash, payload_digest,
          payment, response_digest, provider, decided_at)
        SELECT '${taskAt(0)}', 'r' || i, 'confirm', '', 'p', 'd', 'shadow', 1, '0x1', '', '6', 'r', '${providers[0]}', 1
        FROM generate_series(1, 20000) i;
      ANALYZE`);
    const query = vi.spyOn(pg.Client.prototype, "query");
    await journal.providerHistory(providers.slice(0, 1));
    const asked = query.mock.calls
      .map(([config]) => config as unknown as pg.QueryConfig)
      .filter(({ text }) => /FROM verdicts/.test(text));
    vi.restoreAllMocks();
    expect(asked).toHaveLength(1);
    for (const { text, values = [] } of asked) {
      const literal = values.reduce<string>((sql, value, at) => sql.replaceAll(`$${at + 1}`, `'${value}'`), text);
      await place.tamper(`
        CREATE TABLE plan (json json);
        DO $$ DECLARE found json; BEGIN
          EXECUTE 'EXPLAIN (ANALYZE, FORMAT JSON) ' || $q$${literal}$q$ INTO found;
          INSERT INTO plan VALUES (found);
          IF found::text ~ '"Sort"' THEN RAISE EXCEPTION 'it sorts: %', found; END IF;
        END $$`);
    }
  });

  it.runIf(database === "SQLite")("are read in a few rows, however many verdicts a provider has", async () => {
    const prepare = vi.spyOn(DatabaseSync.prototype, "prepare");
    await journal.providerHistory(providers);
    const [connection] = prepare.mock.contexts as DatabaseSync[];
    const texts = prepare.mock.calls.map(([text]) => text);
    const plans = texts.flatMap((text) => connection?.prepare(`EXPLAIN QUERY PLAN ${text}`).all() ?? []);
    const reads = plans.map(({ detail }) => String(detail)).filter((detail) => /SEARCH|SCAN|B-TREE/.test(detail));
    expect(reads.toSorted()).toEqual(
      [
        "SEARCH pruned_prices USING INDEX pruned_prices_by_provider (provider=?)",
        "SEARCH provider_histories USING PRIMARY KEY (provider=?)",
        "SEARCH verdicts USING INDEX verdicts_approved (provider=?)",
      ].toSorted(),
    );
  });
});
