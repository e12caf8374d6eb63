// Prints what happens to the tasks of a source, for as many seconds as you say: node watchEvents.ts SOURCE SECONDS
import { clientFromEnvironment, statusName, TaskStatus } from "ogpu-confirmd";

const client = clientFromEnvironment(process.env);
const [source = "", seconds = "60"] = process.argv.slice(2);
const signal = AbortSignal.timeout(Number(seconds) * 1_000);
const mine = new Set<string>();

async function published() {
  for await (const { task, blockNumber } of client.watchTaskPublished({ source, signal })) {
    mine.add(task);
    console.log(blockNumber, "published", task);
  }
}

async function changed() {
  for await (const { task, status, blockNumber } of client.watchTaskStatusChanged({ signal })) {
    if (mine.has(task)) console.log(blockNumber, statusName(TaskStatus, status), task);
  }
}

await Promise.all([published(), changed()]);
console.log("watched", mine.size, "tasks");
