import { NEVER } from "rxjs";
import { openSqliteJournal } from "../../src/journal/sqliteJournal.ts";
import { answer, childArgs } from "../harness/child.ts";
import { openRealSink, type RealSink } from "./realSink.ts";

/** The sink with a journal full of intents, as after a start. */
const [{ journalPath, ...options }] = childArgs<[RealSink & { readonly journalPath: string }]>();
const journal = openSqliteJournal({ path: journalPath, chainId: options.chainId });
const intents = (await journal.unsettled()).length;
const sink = await openRealSink(options, journal, (report) => {
  if (report.type === "retry") process.stderr.write(`${String(report.error)}\n`);
});
answer({ intents });
sink.pay(NEVER).subscribe({ error: (error) => process.stderr.write(`${error.stack}\n`) });
