import { fdatasync, fdatasyncSync, mkdtempSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { answer, childArgs, untilGo } from "../harness/child.ts";
import { type Prepared, together } from "./prepared.ts";

/**
 * What must be done for each confirmation, and nothing of the daemon: of a hundred, the states are read and the calls simulated
 * in one request; in a thread each is signed, and its signature checked; signed bytes come onto the disk in one go; the
 * transactions go out in one request, when those before were taken: a node may work on two requests at once, and its pool keeps
 * few whose nonces come too early. So many hundreds are under way as a sink has. Requests are written before, transactions too
 * (what the thread signs is not used), answers are not read, and nothing is judged.
 */
type Args = {
  readonly ws: string;
  readonly file: string;
  readonly directory: string;
  /** Of the batches, so many warm it up. */
  readonly warmUp: number;
};
const [{ ws, file, directory, warmUp }] = childArgs<[Args]>();
const batches = JSON.parse(readFileSync(file, "utf8")) as readonly Prepared[];
const mostUnderWay = 5;

/** As long as the journal's log, and written into: a file that grows takes longer. */
const length = 4_500_000;
/** What the journal writes for a hundred. */
const entry = Buffer.alloc(128 * 1_024, "x");
const log = openSync(join(mkdtempSync(join(directory, "required-")), "log"), "w+");
writeSync(log, Buffer.alloc(length), 0, length, 0);
fdatasyncSync(log);
let written = 0;
const toDisk = (): Promise<void> => {
  writeSync(log, entry, 0, entry.length, written % (length - entry.length));
  written += entry.length;
  return new Promise((resolve, reject) => fdatasync(log, (error) => (error ? reject(error) : resolve())));
};

const signer = new Worker(new URL("signer.ts", import.meta.url));
signer.unref();
const asksToSign: (() => void)[] = [];
signer.on("message", () => asksToSign.shift()?.());
signer.on("error", (error) => {
  throw error;
});
const sign = (): Promise<void> => {
  signer.postMessage(together);
  return new Promise((resolve) => asksToSign.push(resolve));
};

const socket = new WebSocket(ws);
await new Promise((resolve) => {
  socket.onopen = resolve;
});
const asked = new Map<number, () => void>();
/** A batch's answers come under its first ID. */
const ask = (text: string, id: number): Promise<void> => {
  socket.send(text);
  return new Promise((resolve) => asked.set(id, resolve));
};
socket.onmessage = ({ data }) => {
  const message = [JSON.parse(data)].flat();
  const failed = message.find(({ error }) => error);
  if (failed) throw new Error(failed.error.message);
  for (const { id } of message) asked.get(id)?.();
};

let signed: Promise<unknown> = Promise.resolve();
let sent: Promise<unknown> = Promise.resolve();
const confirm = async ({ read, send }: Prepared, index: number): Promise<void> => {
  const before = signed;
  const own = Promise.withResolvers<void>();
  signed = own.promise;
  await ask(read, 2 * index);
  await before;
  await sign();
  await toDisk();
  const accepted = sent.then(() => ask(send, 2 * index + 1));
  sent = accepted;
  own.resolve();
  await accepted;
};
const confirmAll = async (from: number, to: number): Promise<void> => {
  let next = from;
  const work = async () => {
    for (let index = next++; index < to; index = next++) await confirm(batches[index] as Prepared, index);
  };
  await Promise.all(Array.from({ length: mostUnderWay }, work));
};

await confirmAll(0, warmUp);
const go = untilGo();
answer("warm");
await go;
await confirmAll(warmUp, batches.length);
answer("accepted");
