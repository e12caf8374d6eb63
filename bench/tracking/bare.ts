import { openSqliteJournal } from "../../src/journal/sqliteJournal.ts";
import { mainnet } from "../../src/protocol/chains.ts";
import { answer, childArgs } from "../harness/child.ts";

/** The least there is to a restart: a process that opens the journal and reads which tasks are open. */
const [path] = childArgs<[string]>();
const journal = openSqliteJournal({ path, chainId: mainnet.id });
const tasks = await journal.openTasks(undefined, 1_000_000);
answer({ tasks: tasks.length, residentMiB: process.memoryUsage.rss() / 2 ** 20 });
await journal.close();
