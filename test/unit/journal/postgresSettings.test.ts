import { chownSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { startPostgres } from "../../../devnet/postgres.ts";
import type { Journal } from "../../../src/journal/journal.ts";
import { openPostgresJournal } from "../../../src/journal/postgres/postgresJournal.ts";
import { postgresMigrations } from "../../../src/journal/postgres/postgresMigrations.ts";
import { describePostgres, postgresPlace, query } from "../../support/journals.ts";
import { startTransactionPooler } from "../../support/transactionPooler.ts";

describePostgres("a PostgreSQL server whose administrator", (server) => {
  const chainId = 1071;

  it("lets a standby take the primary's place is tried again until that is done: no daemon stays down for it", async () => {
    const failing = await startPostgres();
    const place = { url: failing.urlOf("postgres"), password: failing.password, chainId };
    try {
      await (await openPostgresJournal(place)).close();
      const [found] = await query(failing, "postgres", "SHOW data_directory");
      await failing.halt("fast");
      const signal = join((found as { data_directory: string }).data_directory, "standby.signal");
      writeFileSync(signal, "");
      if (process.getuid?.() === 0) chownSync(signal, 65_534, 65_534);
      await failing.start();
      await expect(openPostgresJournal(place)).rejects.toMatchObject({
        name: "RetryableError",
        code: "JOURNAL_STANDBY",
        exitCode: 75,
      });
      await query(failing, "postgres", "SELECT pg_promote()");
      await (await openPostgresJournal(place)).close();
    } finally {
      await failing.stop();
    }
  });

  it("made the database in an encoding that lacks characters is told to make another one, before anything is in it", async () => {
    await query(
      server(),
      "postgres",
      "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'",
    );
    await expect(
      openPostgresJournal({ url: server().urlOf("latin"), password: server().password, chainId }),
    ).rejects.toMatchObject({
      name: "ConfigError",
      code: "JOURNAL_ENCODING",
      message: expect.stringContaining("LATIN1"),
    });
    expect(await query(server(), "latin", "SELECT 1 FROM pg_tables WHERE schemaname = 'public'")).toEqual([]);
  });

  describe("puts a copy from before the daemon's start in its place", () => {
    const restored = async (name: string) => {
      const place = await postgresPlace(server(), name);
      await (await place.open()).close();
      await query(server(), "postgres", `CREATE DATABASE ${name}_copy TEMPLATE ${name}`);
      const lost: string[] = [];
      const onLost = ({ code }: { readonly code: string }) => void lost.push(code);
      const { password, urlOf } = server();
      const journal = await openPostgresJournal({ url: urlOf(name), password, chainId, onLost });
      await journal.touch(1);
      for (const text of [
        `ALTER DATABASE ${name} ALLOW_CONNECTIONS false`,
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`,
        `ALTER DATABASE ${name} RENAME TO ${name}_former`,
        `ALTER DATABASE ${name}_copy RENAME TO ${name}`,
      ])
        await query(server(), "postgres", text);
      return { place, journal, lost };
    };
    const ending = (journal: Journal) =>
      expect.poll(() => journal.touch(2).catch((error) => error), { timeout: 10_000 });

    it("is told of as that, and of no other daemon", async () => {
      const { journal, lost } = await restored("put_back");
      await ending(journal).toMatchObject({ name: "FatalError" });
      expect(lost).toEqual(["JOURNAL_LOST"]);
      await journal.close();
    });

    it("has that daemon write nothing beside the next one, which has written as often", async () => {
      const { place, journal, lost } = await restored("put_back_and_held");
      const next = await place.open();
      await next.touch(1);
      await ending(journal).toMatchObject({ name: "FatalError" });
      expect(lost).toEqual(["JOURNAL_TAKEN"]);
      await expect(next.touch(3)).resolves.toBeUndefined();
      await Promise.all([journal.close(), next.close()]);
    });
  });

  it("has new transactions read only by default has a journal all the same, which says for each what it does", async () => {
    const place = await postgresPlace(server(), "read_only");
    await query(server(), "postgres", "ALTER DATABASE read_only SET default_transaction_read_only = on");
    for (const shared of [false, true]) {
      const journal = await place.open({ shared });
      await expect(journal.touch(1)).resolves.toBeUndefined();
      await journal.close();
    }
  });

  it.each([false, true])(
    "bounds all statements and transactions does not break off a migration (shared: %s)",
    async (shared) => {
      const name = `bounded_${shared}`;
      const place = await postgresPlace(server(), name);
      const [oldest] = postgresMigrations;
      await place.beginWith(`${oldest?.sql}; INSERT INTO meta VALUES ('schema', '${oldest?.to}'), ('chainId', '1071')`);
      // As long as many rows would take.
      await place.beginWith(`
      CREATE FUNCTION build() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.5); END $$;
      CREATE EVENT TRIGGER build ON ddl_command_start WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION build()`);
      for (const bound of ["statement_timeout", "transaction_timeout"])
        await query(server(), "postgres", `ALTER DATABASE ${name} SET ${bound} = '250ms'`);
      const journal = await place.open({ shared });
      expect(await journal.cursor()).toBeUndefined();
      await journal.close();
    },
  );
});

describePostgres("a journal in PostgreSQL behind a pooler", (server) => {
  it("is not opened where its sessions are lent for a transaction each: a daemon could not hold it", async () => {
    const place = await postgresPlace(server(), "pooled");
    await (await place.open()).close();
    const pooler = await startTransactionPooler(server(), "pooled");
    try {
      for (const shared of [false, true]) {
        const url = `postgres://postgres@127.0.0.1:${pooler.port}/pooled`;
        const opened = openPostgresJournal({ url, password: server().password, chainId: 1071, shared });
        await expect(opened).rejects.toMatchObject({ name: "ConfigError", code: "JOURNAL_POOLED" });
      }
    } finally {
      await pooler.stop();
      await place.remove();
    }
  });
});
