import { join } from "node:path";
import { expect, it } from "vitest";
import { approvedInstead } from "../../../src/cli/approvedInstead.ts";
import { journalSite } from "../../../src/cli/journalSite.ts";
import { loadConfig } from "../../../src/config/loadConfig.ts";
import { openSqliteJournal } from "../../../src/journal/sqliteJournal.ts";
import { checksummed } from "../../../src/protocol/brand.ts";
import { address, response, task } from "../../support/fakeChain.ts";
import { intend } from "../../support/intend.ts";
import { temporaryFolder } from "../../support/temporaryFolder.ts";

it("whoever pays by hand is told of another response of the task that is approved", async () => {
  const cwd = temporaryFolder("instead-");
  const path = join(cwd, "journal.sqlite");
  const { config } = loadConfig({ flags: { "journal-path": path }, env: {}, cwd });
  const site = journalSite(config, { env: {}, cwd });
  const other = checksummed(address(0x99));
  const asked = { task: checksummed(task), response: other };
  expect(await approvedInstead(site, asked)).toEqual([]);

  const journal = openSqliteJournal({ path, chainId: 1071 });
  await intend(journal, { task, response, payment: 10n ** 17n });
  await journal.close();
  expect(await approvedInstead(site, asked)).toEqual([
    ["approved instead", `${checksummed(response)} for 0.1 OGPU, by p (intended)`],
  ]);
  expect(await approvedInstead(site, { ...asked, response: checksummed(response) })).toEqual([]);
  expect(await approvedInstead(site, { ...asked, task: checksummed(address(0x98)) })).toEqual([]);
});
