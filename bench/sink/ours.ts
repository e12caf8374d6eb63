import { readFileSync } from "node:fs";
import { firstValueFrom, Subject } from "rxjs";
import type { Confirmation } from "../../src/journal/journal.ts";
import { openSqliteJournal } from "../../src/journal/sqliteJournal.ts";
import type { AccountAddress, Hash } from "../../src/protocol/brand.ts";
import { answer, childArgs, untilGo } from "../harness/child.ts";
import { type Answered, approve } from "./answeredNetwork.ts";
import { openRealSink, type RealSink } from "./realSink.ts";

/**
 * A sink that runs: it pays what its journal intends, to warm up, until that is final; then intents come, as the pipeline
 * gives them, all at once.
 */
type Args = RealSink & {
  readonly journalPath: string;
  /** The file with what is approved when it is warm. */
  readonly file: string;
  readonly provider: AccountAddress;
  readonly block: { readonly number: string; readonly hash: Hash };
};
const [{ journalPath, file, provider, block, ...options }] = childArgs<[Args]>();
const journal = openSqliteJournal({ path: journalPath, chainId: options.chainId, isLasting: true });
const toWarmUp = (await journal.unsettled()).length;

let wanted: { readonly states: readonly string[]; readonly count: number } = { states: ["final"], count: toWarmUp };
const arrived = new Set<number>();
const all$ = new Subject<void>();
const sink = await openRealSink(options, journal, (report) => {
  if (report.type === "retry") process.stderr.write(`${String(report.error)}\n`);
  if (report.type !== "confirmation" || !wanted.states.includes(report.confirmation.state)) return;
  arrived.add(report.confirmation.id);
  if (arrived.size === wanted.count) all$.next();
});
const intents$ = new Subject<Confirmation>();
const isWarm = firstValueFrom(all$);
sink.pay(intents$).subscribe({ error: (error) => process.stderr.write(`${error.stack}\n`) });
await isWarm;

const answered = JSON.parse(readFileSync(file, "utf8")) as Answered[];
const intents = await approve(journal, answered, { provider, block: { ...block, number: BigInt(block.number) } });
// What it is to pay is on the disk when the clock starts, as what was approved a moment before is.
await journal.touch(Date.now());
arrived.clear();
wanted = { states: ["broadcast", "mined", "final"], count: intents.length };
const isAccepted = firstValueFrom(all$);
const go = untilGo();
answer("warm");
await go;
for (const intent of intents) intents$.next(intent);
await isAccepted;
answer("accepted");
