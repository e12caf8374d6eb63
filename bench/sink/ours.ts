import { firstValueFrom, NEVER, Subject } from "rxjs";
import type { Journal } from "../../src/journal/journal.ts";
import { openSqliteJournal } from "../../src/journal/sqliteJournal.ts";
import { answer, childArgs, untilGo } from "../harness/child.ts";
import { openRealSink, type RealSink } from "./realSink.ts";

/** The sink with a journal full of intents, as after a start: first one to warm up, then one that counts. */
type Args = RealSink & { readonly warmUp: string; readonly counted: string };
const [{ warmUp, counted, ...options }] = childArgs<[Args]>();
const open = (path: string) => openSqliteJournal({ path, chainId: options.chainId });

await payAll(open(warmUp), ["mined", "final"]);
const journal = open(counted);
const go = untilGo();
answer("warm");
await go;
await payAll(journal, ["broadcast", "mined", "final"]);
answer("accepted");

/** Resolves when all that the journal intends has come so far. */
async function payAll(from: Journal, states: readonly string[]): Promise<void> {
  const intents = (await from.unsettled()).length;
  const arrived = new Set<number>();
  const all = new Subject<void>();
  const sink = await openRealSink(options, from, (report) => {
    if (report.type === "retry") process.stderr.write(`${String(report.error)}\n`);
    if (report.type !== "confirmation" || !states.includes(report.confirmation.state)) return;
    arrived.add(report.confirmation.id);
    if (arrived.size === intents) all.next();
  });
  const done = firstValueFrom(all);
  const paying = sink.pay(NEVER).subscribe({ error: (error) => process.stderr.write(`${error.stack}\n`) });
  await done;
  paying.unsubscribe();
}
