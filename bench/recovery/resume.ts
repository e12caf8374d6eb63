import { NEVER } from "rxjs";
import { openSqliteJournal } from "../../src/journal/sqliteJournal.ts";
import { answer, childArgs } from "../harness/child.ts";
import { openRealSink, type RealSink } from "../sink/realSink.ts";

/** A start with many confirmations in flight; it answers when the journal knows where each of them was mined. */
const [{ journalPath, expected, ...options }] =
  childArgs<[RealSink & { readonly journalPath: string; readonly expected: number }]>();
const journal = openSqliteJournal({ path: journalPath, chainId: options.chainId, isLasting: true });
let mined = 0;
const sink = await openRealSink(options, journal, (report) => {
  if (report.type === "retry") process.stderr.write(`${String(report.error)}\n`);
  if (report.type !== "confirmation" || report.confirmation.state !== "mined") return;
  if (++mined === expected) answer({ resumedMs: performance.now() - started, sinceSpawnMs: performance.now() });
});
const started = performance.now();
sink.pay(NEVER).subscribe({ error: (error) => process.stderr.write(`${error.stack}\n`) });
