import { openSqliteJournal } from "../../src/journal/sqliteJournal.ts";
import { mainnet } from "../../src/protocol/chains.ts";
import { answer, childArgs } from "../harness/child.ts";

/** The least there is to it: the journal is opened, and everything in flight is read. */
const [path] = childArgs<[string]>();
const journal = openSqliteJournal({ path, chainId: mainnet.id });
const started = performance.now();
const inFlight = (await journal.unsettled()).length;
answer({ inFlight, readMs: performance.now() - started, sinceSpawnMs: performance.now() });
await journal.close();
