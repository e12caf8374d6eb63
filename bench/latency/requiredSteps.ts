import { fdatasync, fdatasyncSync, mkdtempSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { answer, childArgs } from "../harness/child.ts";
import { subscribedSocket } from "./subscribedSocket.ts";

/**
 * What must be done for each confirmation, one after the other, with nothing between: the task's state is read and the call
 * simulated, in one request, while the event comes onto the disk; signed bytes come onto the disk; the transaction goes out.
 * Requests are written and transactions signed before, answers are not read, and nothing is judged.
 */
const [{ ws, file, directory }] = childArgs<[{ ws: string; file: string; directory: string }]>();
const prepared = JSON.parse(readFileSync(file, "utf8")) as { read: string; raw: string }[];
/** As long as the journal's log, and written into: a file that grows takes longer. */
const length = 4_500_000;
const entry = Buffer.alloc(1_024, "x");
const log = openSync(join(mkdtempSync(join(directory, "floor-")), "log"), "w+");
writeSync(log, Buffer.alloc(length), 0, length, 0);
fdatasyncSync(log);

const socket = subscribedSocket(ws);
let written = 0;
const write = () => {
  written += 4_096;
  writeSync(log, entry, 0, entry.length, written % (length - entry.length));
};
let begun = 0;
const steps: Record<"read" | "disk" | "send", number[]> = { read: [], disk: [], send: [] };
let since = 0;
const lap = (step: keyof typeof steps) => {
  const now = performance.now();
  steps[step].push(now - since);
  since = now;
};
socket.onmessage = ({ data }) => {
  const message = JSON.parse(data);
  if (message.error) throw new Error(message.error.message);
  if (message.id === 0) return answer({ ready: true });
  const next = prepared[begun];
  if (message.method === "eth_subscription") {
    begun++;
    since = performance.now();
    if (next) socket.send(next.read);
    write();
    // Nobody waits for it; but the disk is awake then.
    fdatasync(log, () => undefined);
  } else if (Array.isArray(message)) {
    const failed = message.find(({ error }) => error);
    if (failed) throw new Error(failed.error.message);
    lap("read");
    write();
    fdatasyncSync(log);
    lap("disk");
    const { raw } = prepared[begun - 1] ?? { raw: "" };
    socket.send(`{"jsonrpc":"2.0","id":${begun},"method":"eth_sendRawTransaction","params":["${raw}"]}`);
  } else {
    lap("send");
    answer(Object.fromEntries(Object.entries(steps).map(([step, took]) => [step, took.at(-1)])));
  }
};
