import { expect, it } from "vitest";
import { answerOf, everyMethod } from "../../support/everyJournalMethod.ts";
import { describePostgres, postgresPlace, sqlitePlace } from "../../support/journals.ts";

describePostgres("SQLite and PostgreSQL", (server) => {
  it("answer every method alike, and refuse the same", async () => {
    const places = [sqlitePlace(), await postgresPlace(server(), "alike")] as const;
    const journals = [await places[0].open(), await places[1].open()] as const;
    let refused = 0;
    for (const [step, call] of everyMethod.entries()) {
      const [file, database] = [await answerOf(journals[0], call), await answerOf(journals[1], call)];
      expect([step, call[0], database]).toEqual([step, call[0], file]);
      if (typeof file === "object" && file !== null && "refused" in file) refused++;
    }
    expect(refused).toBeGreaterThan(5);
    const called = new Set<string>(everyMethod.map(([method]) => method));
    expect(
      Object.keys(journals[0])
        .filter((method) => !called.has(method))
        .sort(),
    ).toEqual(["backup", "close", "compact"]);
    await Promise.all(journals.map((journal) => journal.close()));
    await Promise.all(places.map((each) => each.remove()));
  });
});
