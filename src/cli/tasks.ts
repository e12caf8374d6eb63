import { inParallel } from "../chain/endpoints/inParallel.ts";
import { readAddress } from "../client/inputs.ts";
import type { TaskState } from "../client/types.ts";
import { exitCodes } from "../errors.ts";
import type { TaskRecord } from "../journal/journal.ts";
import { formatOgpu } from "../protocol/amounts.ts";
import { checksummed, type SourceAddress } from "../protocol/brand.ts";
import { statusName, TaskStatus } from "../protocol/statuses.ts";
import type { Line } from "./command.ts";
import type { Context } from "./context.ts";
import { during } from "./progress.ts";
import { readWhole } from "./readers.ts";
import { json, oneLine, table } from "./terminal.ts";
import { type Opened, withClient } from "./withClient.ts";
import { withJournal } from "./withJournal.ts";

const rowsAtOnce = 4;
const mostRows = 1_000;

/** Lists tasks: those that the daemon looks after, or those of a source. @returns the exit code. */
export const tasks = (context: Context, line: Line): Promise<number> =>
  withClient(context, line, async (opened) => {
    const limit = readWhole("limit", line.options.limit, 50, mostRows);
    const [source] = line.args;
    // One more than is shown tells whether there are more.
    const reading = source === undefined ? ofJournal(context, line, limit + 1) : ofSource(opened, source, limit + 1);
    const all = await during(context, "reading", reading);
    const found = all.slice(0, limit);
    // A thousand at once would wait longer for their turn at an endpoint with a rate limit than a request may.
    const looking = inParallel(found, rowsAtOnce, (each) => rowOf(opened, each));
    const rows = await during(context, "reading the chain", looking);
    if (line.options.json) context.stdout.write(json(rows));
    else if (rows.length === 0)
      context.stdout.write(source === undefined ? "the daemon looks after no open task\n" : "no tasks\n");
    else
      context.stdout.write(
        table(
          context,
          ["TASK", "STATUS", "PAYS UP TO", "EXPIRES", "STANDING"],
          rows.map(({ task, status, pays, expires, standing }) => [task, status, pays, expires, oneLine(standing, 80)]),
        ),
      );
    const order = source === undefined ? "first" : "newest";
    if (all.length > limit)
      context.stderr.write(`there are more: these are the ${order} ${limit}, and --limit shows up to ${mostRows}\n`);
    return exitCodes.ok;
  });

type Found = { readonly task: string; readonly record?: TaskRecord };

const ofJournal = (context: Context, line: Line, limit: number): Promise<readonly Found[]> =>
  withJournal(context, line, async (journal) => {
    const open = await journal.openTasks(undefined, limit);
    const records = await Promise.all(open.map((task) => journal.task(task)));
    return open.map((task, index) => ({ task, ...(records[index] && { record: records[index] }) }));
  });

/** The newest first. */
async function ofSource({ client }: Opened, address: string, limit: number): Promise<readonly Found[]> {
  await client.getSource(address);
  const source = readAddress("the source", address).toLowerCase() as SourceAddress;
  const all: string[] = [];
  for (let from = 0, more = true; more; ) {
    const stretch = await client.chain.tasksOfSource(source, from);
    all.push(...stretch.tasks);
    from = stretch.next;
    more = stretch.more;
  }
  return all
    .slice(Math.max(0, all.length - limit))
    .reverse()
    .map((task) => ({ task }));
}

async function rowOf({ client }: Opened, { task, record }: Found) {
  const state: TaskState = await client.getTask(checksummed(task));
  const { source, payment, status, isExpired, expiryTime } = state;
  return {
    task: checksummed(task),
    source,
    status: statusName(TaskStatus, status) + (isExpired ? " (over)" : ""),
    pays: formatOgpu(payment),
    expires: new Date(expiryTime * 1_000).toISOString(),
    standing: standingOf(record),
  };
}

/** What the daemon makes of it. */
function standingOf(record: TaskRecord | undefined): string {
  if (record === undefined) return "-";
  const { confirmation, verdicts, responses } = record;
  if (confirmation) return `${confirmation.state}: ${checksummed(confirmation.response)}`;
  const newest = verdicts.toSorted((a, b) => a.id - b.id).at(-1);
  if (newest) return `${newest.kind}: ${newest.reason}`;
  return responses.length === 0 ? "no response yet" : `${responses.length} responses, none judged`;
}
