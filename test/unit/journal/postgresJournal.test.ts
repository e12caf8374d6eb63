import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { startPostgres } from "../../../devnet/postgres.ts";
import type { Attempt, Confirmation, Journal } from "../../../src/journal/journal.ts";
import { migrations } from "../../../src/journal/migrations.ts";
import { openPostgresJournal, type PostgresJournal } from "../../../src/journal/postgres/postgresJournal.ts";
import { postgresMigrations } from "../../../src/journal/postgres/postgresMigrations.ts";
import type { Pause } from "../../../src/journal/sinkJournal.ts";
import {
  type AccountAddress,
  type ResponseAddress,
  type TaskAddress,
  toNonce,
  wei,
} from "../../../src/protocol/brand.ts";
import { type CuttableProxy, startCuttableProxy } from "../../support/cuttableProxy.ts";
import { address, hashOf, response, source, task } from "../../support/fakeChain.ts";
import { describePostgres, type JournalPlace, postgresPlace, query } from "../../support/journals.ts";
import { createAuthority } from "../signer/certificates.ts";

const signer = address<AccountAddress>(0x51);
const attempt: Attempt = { kind: "confirm", hash: hashOf(1), raw: "0x02", nonce: toNonce(5), signedAt: 1 };

const intend = async (journal: Journal, paid = { task, response }): Promise<Confirmation> => {
  await journal.intake({ tasks: [{ task: paid.task, source }], responses: [paid], touched: [] });
  const verdict = { kind: "confirm", reason: "", until: undefined, policy: "p", policyDigest: "d" } as const;
  const facts = { payloadDigest: "", responseDigest: "r", payment: wei(1n), mode: "enforce" } as const;
  const block = { number: 1n, hash: hashOf(1) };
  const made = await journal.decide([{ ...verdict, ...facts, ...paid, block }], 0);
  if (!made) throw new Error("no intent");
  return made;
};

describePostgres("a journal in PostgreSQL", (server) => {
  let count = 0;
  let name: string;
  let place: JournalPlace;
  const opened: Journal[] = [];
  const open = async (changes: Partial<PostgresJournal> = {}) => {
    const { password } = server();
    const journal = await openPostgresJournal({ url: server().urlOf(name), password, chainId: 1071, ...changes });
    opened.push(journal);
    return journal;
  };
  /** What the server itself has, whatever a journal says. */
  const stored = async () =>
    (await query(server(), name, "SELECT hash, nonce::int AS nonce FROM attempts")) as readonly unknown[];

  beforeEach(async () => {
    name = `own_${++count}`;
    place = await postgresPlace(server(), name);
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((journal) => journal.close()));
    await place.remove();
  });

  describe("opening", () => {
    it("says what is wrong, where, and what to do about it, and never the password", async () => {
      const { password, port, urlOf } = server();
      const cases = [
        { change: { url: "postgres://postgres@127.0.0.1:1/x" }, code: "JOURNAL_UNAVAILABLE", says: "127.0.0.1:1/x" },
        { change: { password: "wrong" }, code: "JOURNAL_REFUSED", says: "journal.passwordFile" },
        { change: { url: urlOf("nothing_here") }, code: "JOURNAL_UNUSABLE", says: "create the database" },
        {
          change: { url: `postgres://postgres@127.0.0.1:${port}/${name}?sslmode=require` },
          code: "JOURNAL_UNUSABLE",
          says: "sslmode",
        },
        {
          change: {
            url: `postgres://postgres@127.0.0.1:${port}/${name}?sslmode=verify-full&sslrootcert=/nowhere/ca.pem`,
          },
          code: "JOURNAL_UNUSABLE",
          says: "sslrootcert",
        },
      ];
      for (const { change, code, says } of cases) {
        const error = await open(change).catch((thrown) => thrown);
        expect(error).toMatchObject({ code });
        const text = [error.message, error.remedy, String(error.cause?.stack)].join("\n");
        expect(text).toContain(says);
        for (const secret of [password, encodeURIComponent(password)]) expect(text).not.toContain(secret);
      }
    });

    it("refuses a journal that a later version wrote, and leaves it alone", async () => {
      await (await open()).close();
      await place.tamper("UPDATE meta SET value = '99' WHERE key = 'schema'");
      await expect(open()).rejects.toMatchObject({ code: "JOURNAL_NEWER" });
      expect(await query(server(), name, "SELECT value FROM meta WHERE key = 'schema'")).toEqual([{ value: "99" }]);
    });

    it("is not migrated under the daemon that holds it", async () => {
      const holder = await open();
      await place.tamper("UPDATE meta SET value = '7' WHERE key = 'schema'");
      for (const shared of [true, false]) {
        await expect(open({ shared })).rejects.toMatchObject({
          code: "JOURNAL_OLDER",
          message: expect.stringMatching(/has version 7, and a daemon that holds it \(from /),
        });
      }
      expect(await query(server(), name, "SELECT value FROM meta WHERE key = 'schema'")).toEqual([{ value: "7" }]);
      await holder.close();
    });

    it.each([false, true])("migrates a large journal for as long as it takes (shared: %s)", async (shared) => {
      const [oldest] = postgresMigrations;
      await place.tamper(`${oldest?.sql}; INSERT INTO meta VALUES ('schema', '${oldest?.to}'), ('chainId', '1071')`);
      // Many rows stand in the way of its first index: the test says when it is built.
      await place.tamper(`
        CREATE FUNCTION build() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
          IF current_setting('statement_timeout') <> '0' OR current_setting('lock_timeout') <> '10s' THEN
            RAISE 'built under statement_timeout = %, lock_timeout = %',
              current_setting('statement_timeout'), current_setting('lock_timeout');
          END IF;
          PERFORM pg_advisory_xact_lock(7);
        END $$;
        CREATE EVENT TRIGGER build ON ddl_command_start WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION build()`);
      const url = new URL(server().urlOf(name));
      url.password = encodeURIComponent(server().password);
      const rows = new pg.Client({ connectionString: url.href });
      await rows.connect();
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
      try {
        await rows.query("SELECT pg_advisory_lock(7)");
        const outcome = open({ shared }).then(
          () => "opened",
          (error) => error,
        );
        const builds = async () =>
          (await rows.query("SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND NOT granted")).rowCount;
        await expect.poll(() => Promise.race([outcome, builds()])).toBe(1);
        // What the driver would wait for at the most goes by.
        await vi.advanceTimersByTimeAsync(3_600_000);
        vi.useRealTimers();
        await rows.query("SELECT pg_advisory_unlock(7)");
        expect(await outcome).toBe("opened");
      } finally {
        vi.useRealTimers();
        await rows.end();
      }
      expect(await query(server(), name, "SELECT value FROM meta WHERE key = 'schema'")).toEqual([
        { value: String(migrations.length) },
      ]);
    });

    it("refuses a database that holds something else", async () => {
      await place.tamper("CREATE TABLE customers (id int)");
      await expect(open()).rejects.toMatchObject({ code: "JOURNAL_NOT_EMPTY" });
      expect(
        await query(server(), name, "SELECT count(*)::int AS count FROM pg_tables WHERE schemaname = 'public'"),
      ).toEqual([{ count: 1 }]);
    });

    it("refuses a server that would lose what it acknowledged", async () => {
      await place.tamper("ALTER SYSTEM SET fsync = off");
      await place.tamper("SELECT pg_reload_conf()");
      try {
        await expect
          .poll(() =>
            open().then(
              () => "opened",
              ({ code }) => code,
            ),
          )
          .toBe("JOURNAL_NOT_DURABLE");
      } finally {
        await place.tamper("ALTER SYSTEM RESET fsync");
        await place.tamper("SELECT pg_reload_conf()");
      }
    });

    it("has the tables, columns, indexes and triggers that SQLite's has", async () => {
      await open();
      const sqlite = new DatabaseSync(":memory:");
      for (const sql of migrations) sqlite.exec(sql);
      const ofSqlite = (text: string) =>
        sqlite
          .prepare(text)
          .all()
          .map((row) => Object.values(row).join(" "));
      const ofPostgres = async (text: string) =>
        (await query(server(), name, text)).map((row) => Object.values(row as object).join(" "));
      const columns = await ofPostgres(`
        SELECT table_name || ' ' || column_name || CASE is_nullable WHEN 'YES' THEN ' null' ELSE ' not null' END
        FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'holder' AND column_name <> 'rowid'`);
      expect(columns.toSorted()).toEqual(
        ofSqlite(`SELECT m.name || ' ' || c.name || iif(c."notnull" OR c.pk, ' not null', ' null')
                  FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table'`).toSorted(),
      );
      const indexes = await ofPostgres(`
        SELECT indexname FROM pg_indexes WHERE schemaname = 'public' AND indexname !~ '_(pkey|key)$'`);
      expect(indexes.toSorted()).toEqual(
        ofSqlite("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL").toSorted(),
      );
      const triggers = await ofPostgres("SELECT tgname, tgrelid::regclass FROM pg_trigger WHERE NOT tgisinternal");
      expect(triggers.toSorted()).toEqual(
        ofSqlite("SELECT name, tbl_name FROM sqlite_schema WHERE type = 'trigger'").toSorted(),
      );
      sqlite.close();
    });
  });

  describe("the one daemon that holds it", () => {
    it("leaves it free when it is killed", async () => {
      await (await open()).close();
      const program = `
        const { openPostgresJournal } = await import(${JSON.stringify(join(import.meta.dirname, "../../../src/journal/postgres/postgresJournal.ts"))});
        await openPostgresJournal(${JSON.stringify({ url: server().urlOf(name), password: server().password, chainId: 1071 })});
        console.log("held");`;
      const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      await once(child.stdout, "data");
      await expect(open()).rejects.toMatchObject({ code: "JOURNAL_LOCKED" });
      child.kill("SIGKILL");
      await once(child, "exit");
      expect(await (await open()).cursor()).toBeUndefined();
    });

    it("writes nothing more once another one has taken it, whatever it believes", async () => {
      const lost: unknown[] = [];
      const one = await open({ onLost: ({ code }) => lost.push(code) });
      const intent = await intend(one);
      const lease = await one.takeLease(signer, "one", 0, 30_000);
      await query(
        server(),
        name,
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = 1869049960",
      );
      const two = await open();
      const taken = { code: "JOURNAL_TAKEN" };
      await expect(one.recordAttempt(intent.id, signer, attempt, [lease])).rejects.toMatchObject(taken);
      await expect(one.touch(1)).rejects.toMatchObject(taken);
      expect(lost).toEqual(["JOURNAL_TAKEN"]);
      expect(await stored()).toEqual([]);
      const current = await two.takeLease(signer, "two", 1, 30_000);
      expect(current).toMatchObject({ owner: "two", token: 2 });
      expect(await two.recordAttempt(intent.id, signer, attempt, [current])).toMatchObject({ state: "signed" });
    });

    it("holds it again after its connection was lost and nobody came", async () => {
      const one = await open();
      const hold = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = 1869049960";
      const [before] = await query(server(), name, hold);
      await query(server(), name, `SELECT pg_terminate_backend(${(before as { pid: number }).pid})`);
      await expect.poll(() => query(server(), name, hold), { timeout: 10_000 }).toHaveLength(1);
      await expect(open()).rejects.toMatchObject({ code: "JOURNAL_LOCKED" });
      await one.touch(1);
    });
  });

  it("is copied by its server, and says so", async () => {
    const journal = await open();
    await expect(journal.backup("/nowhere")).rejects.toMatchObject({ code: "BACKUP_NOT_HERE" });
  });

  it("counts right however many write at the same time", async () => {
    const writers = [await open(), ...(await Promise.all([1, 2, 3].map(() => open({ shared: true }))))];
    const sent: number[] = [];
    for (let nonce = 0; nonce < 20; nonce++) {
      const { id } = await intend(writers[0] as Journal, {
        task: address<TaskAddress>(0x100 + nonce),
        response: address<ResponseAddress>(0x200 + nonce),
      });
      await writers[0]?.recordAttempt(id, signer, { ...attempt, hash: hashOf(nonce), nonce: toNonce(nonce) });
      sent.push(id);
    }
    const pauseAt = (reverts: number): Pause | undefined =>
      reverts === sent.length ? { by: "reverts", who: "", why: `${reverts} in a row`, at: 1 } : undefined;
    const change = { state: "dead", outcome: { reverted: true, pauseAt } } as const;
    // Each of them is told of twice, as whoever does not hear that it was stored does.
    await Promise.all(
      [...sent, ...sent].map((id, index) => writers[index % writers.length]?.changeConfirmation(id, change)),
    );
    expect(await writers[0]?.pause()).toMatchObject({ why: "20 in a row" });
    expect(await query(server(), name, "SELECT value FROM meta WHERE key = 'reverts'")).toEqual([{ value: "20" }]);
  });

  describe("a lost connection", () => {
    let proxy: CuttableProxy;
    const through = () => `postgres://postgres@127.0.0.1:${proxy.port}/${name}`;
    beforeEach(async () => {
      proxy = await startCuttableProxy(server().port);
    });
    afterEach(() => proxy.stop());

    it("while an attempt is committed never leaves it open whether the attempt is stored", async () => {
      const journal = await open({ url: through() });
      const intent = await intend(journal);
      proxy.cutAt("COMMIT\0", "after");
      let settled = false;
      const recorded = journal.recordAttempt(intent.id, signer, attempt).finally(() => {
        settled = true;
      });
      await expect.poll(() => stored()).toEqual([{ hash: attempt.hash, nonce: 5 }]);
      // Nobody else writes in between, and nobody is told that it failed.
      await expect
        .poll(() =>
          journal.touch(1).then(
            () => "written",
            ({ code }) => code,
          ),
        )
        .toBe("JOURNAL_UNAVAILABLE");
      expect(settled).toBe(false);
      proxy.open();
      expect(await recorded).toMatchObject({ state: "signed", nonce: 5 });
      await journal.touch(2);
    });

    it("before an attempt is committed says so, and the attempt may be made anew", async () => {
      const journal = await open({ url: through() });
      const intent = await intend(journal);
      proxy.cutAt("COMMIT\0", "before");
      const failed = journal.recordAttempt(intent.id, signer, attempt).catch((error) => error);
      await expect
        .poll(() =>
          journal.touch(1).then(
            () => "written",
            ({ code }) => code,
          ),
        )
        .toBe("JOURNAL_UNAVAILABLE");
      proxy.open();
      expect(await failed).toMatchObject({ name: "RetryableError", code: "JOURNAL_UNAVAILABLE" });
      expect(await stored()).toEqual([]);
      expect(await journal.recordAttempt(intent.id, signer, { ...attempt, hash: hashOf(2) })).toMatchObject({
        attempts: [{ hash: hashOf(2) }],
      });
    });

    it("wherever it is cut: what was answered is stored, what was refused is not, and nothing else is", async () => {
      const journal = await open({ url: through() });
      const outcomes = new Set<string>();
      await fc.assert(
        fc.asyncProperty(fc.nat(11), fc.constantFrom("before", "after"), async (message, when) => {
          const hash = hashOf(++count + 10_000);
          let seen = 0;
          proxy.cutAt(() => seen++ === message, when);
          const filler = { hash, raw: "0x02", nonce: toNonce(count), signedAt: 1 } as const;
          const written = journal.recordFiller(signer, filler, wei(1n)).then(
            () => "stored",
            (error) => error.code,
          );
          // The way is cut at one of its messages, or not at all; then it is there again.
          await Promise.race([written, expect.poll(() => proxy.isOpen(), { interval: 2, timeout: 5_000 }).toBe(false)]);
          proxy.cutAt(() => false, "before");
          proxy.open();
          const outcome = await written;
          outcomes.add(outcome);
          expect(["stored", "JOURNAL_UNAVAILABLE"]).toContain(outcome);
          const rows = await query(server(), name, `SELECT 1 FROM fillers WHERE hash = '${hash}'`);
          expect(rows).toHaveLength(outcome === "stored" ? 1 : 0);
        }),
        // A connection that was cut has more messages than there are places to cut it: by chance alone nothing may be stored.
        {
          numRuns: 40,
          examples: [
            [1_000, "before"],
            [0, "before"],
          ],
        },
      );
      expect([...outcomes].sort()).toEqual(["JOURNAL_UNAVAILABLE", "stored"]);
    });

    it("tells a command beside the daemon that nobody knows", async () => {
      await open();
      const beside = await open({ url: through(), shared: true });
      proxy.cutAt("COMMIT\0", "after");
      const pause = { by: "operator", who: "ann", why: "", at: 1 } as const;
      await expect(beside.setPause(pause)).rejects.toMatchObject({ code: "JOURNAL_OUTCOME_UNKNOWN" });
    });

    it.each(["before", "after"] as const)(
      "finds that another daemon has come meanwhile, and stops (%s)",
      async (when) => {
        const journal = await open({ url: through() });
        const intent = await intend(journal);
        proxy.cutAt("COMMIT\0", when);
        const failed = journal.recordAttempt(intent.id, signer, attempt).catch((error) => error);
        await expect
          .poll(() =>
            journal.touch(1).then(
              () => "written",
              ({ code }) => code,
            ),
          )
          .toBe("JOURNAL_UNAVAILABLE");
        await open();
        proxy.open();
        const message = expect.stringMatching(/holds the journal in .* now: whether what was being stored is in it/);
        expect(await failed).toMatchObject({ name: "FatalError", code: "JOURNAL_TAKEN", message });
        expect(await stored()).toHaveLength(when === "after" ? 1 : 0);
        await expect(journal.touch(2)).rejects.toMatchObject({ code: "JOURNAL_TAKEN" });
      },
    );
  });
});

describePostgres("a PostgreSQL server with TLS", () => {
  it("is used where the authority has issued its certificate, and refused where another has", async () => {
    const folder = mkdtempSync(join(tmpdir(), "authority-"));
    const authority = createAuthority();
    writeFileSync(join(folder, "ca.pem"), authority.cert);
    writeFileSync(join(folder, "other.pem"), createAuthority().cert);
    const server = await startPostgres([], authority.issue("the server"));
    const openBy = (file: string) =>
      openPostgresJournal({
        url: `${server.urlOf("postgres")}?sslmode=verify-full&sslrootcert=${encodeURIComponent(join(folder, file))}`,
        password: server.password,
        chainId: 1071,
      });
    try {
      await expect(openBy("other.pem")).rejects.toMatchObject({ name: "ConfigError", code: "JOURNAL_UNUSABLE" });
      const journal = await openBy("ca.pem");
      await journal.touch(1);
      const encrypted =
        "SELECT ssl FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) WHERE application_name = 'ogpu-confirmd'";
      const found = await query(server, "postgres", encrypted);
      expect(new Set(found.map((row) => JSON.stringify(row)))).toEqual(new Set(['{"ssl":true}']));
      await journal.close();
    } finally {
      await server.stop();
      rmSync(folder, { recursive: true });
    }
  });
});

describePostgres("a PostgreSQL server that goes away", () => {
  it("in order, takes nothing with it: the journal goes on when it is back", async () => {
    const server = await startPostgres();
    const { password, urlOf } = server;
    const journal = await openPostgresJournal({ url: urlOf("postgres"), password, chainId: 1071 });
    try {
      const intent = await intend(journal);
      await server.halt("fast");
      await expect(journal.touch(1)).rejects.toMatchObject({ name: "RetryableError", code: "JOURNAL_UNAVAILABLE" });
      await expect(journal.cursor()).rejects.toMatchObject({ code: "JOURNAL_UNAVAILABLE" });
      await server.start();
      expect(await journal.recordAttempt(intent.id, signer, attempt)).toMatchObject({ state: "signed" });
    } finally {
      await journal.close();
      await server.stop();
    }
  });

  it("by a crash, is found out before anything is done on what it forgot", async () => {
    // What need not be durable at once stays in memory until something must.
    const server = await startPostgres(["wal_writer_delay=10000"]);
    const { password, urlOf } = server;
    const place = { url: urlOf("postgres"), password, chainId: 1071 };
    let journal = await openPostgresJournal(place);
    try {
      await journal.touch(1);
      const intent = await intend(journal);
      await server.halt("crash");
      await server.start();
      await expect(journal.recordAttempt(intent.id, signer, attempt)).rejects.toMatchObject({
        name: "FatalError",
        code: "JOURNAL_LOST",
      });
      await journal.close();
      journal = await openPostgresJournal(place);
      expect(await journal.unsettled()).toEqual([]);
      const again = await intend(journal);
      await journal.recordAttempt(again.id, signer, attempt);
      await server.halt("crash");
      await server.start();
      expect(await journal.unsettled()).toMatchObject([{ state: "signed", nonce: 5 }]);
    } finally {
      await journal.close();
      await server.stop();
    }
  });
});
