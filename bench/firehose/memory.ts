import { answer, childArgs } from "../harness/child.ts";
import { createFeed } from "./feed.ts";
import { checkStored, createOurs } from "./ours.ts";
import { createSwallow } from "./swallow.ts";

/** The process whose memory is looked at: resident MiB after so many events, each time after a full garbage collection. */
const [marks] = childArgs<[number[]]>();
const chunk = 10_000;

const feed = createFeed(2, { keepTasks: false });
const ours = createOurs(feed);
const { swallow, stop } = createSwallow(ours);
let events = 0;
const resident: Record<number, { rssMiB: number; heapMiB: number }> = {};
const mebibytes = (bytes: number) => Math.round((bytes / 2 ** 20) * 10) / 10;
let busyMs = 0;
for (const mark of marks) {
  for (; events < mark; events += chunk) {
    const messages = feed.next(chunk);
    const start = performance.now();
    await swallow(messages);
    busyMs += performance.now() - start;
  }
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  resident[mark] = { rssMiB: mebibytes(rss), heapMiB: mebibytes(heapUsed) };
}
checkStored(ours, feed);
answer({ resident, lookUps: ours.lookUps(), stored: ours.stored(), eventsPerSecond: (events / busyMs) * 1_000 });
stop();
await ours.close();
