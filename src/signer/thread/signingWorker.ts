import { parentPort, workerData } from "node:worker_threads";
import { accountCheck } from "../accountCheck.ts";
import { loadCurve } from "../loadCurve.ts";
import type { Answer, Answers, Birth, Order } from "./messages.ts";

/** The entry of the thread that signs and checks: it holds one key, and speaks of digests only. */
const port = parentPort;
if (!port) throw new Error("this file is the entry of a worker");

const { engine, privateKey, address } = workerData as Birth;
const answer = (message: Answers) => port.postMessage(message);
/** Answered in one message: the one that asks has something to do while the next ones are signed. */
const together = 16;
const curve = loadCurve(engine);
const check = privateKey ? curve.checkFor(curve.publicKey(privateKey)) : accountCheck(curve, address);

function obey({ id, digest, signature }: Order): Answer {
  if (signature) return { type: "checked", id, parity: check(digest, signature) };
  if (!privateKey) return { type: "failed", id };
  const signed = curve.sign(digest, privateKey);
  return { type: "signed", id, signature: signed, parity: check(digest, signed) };
}

/** The first signatures of a process are slow, until they are compiled: no transaction should wait for that. */
if (privateKey) for (let id = 1; id <= 30; id++) obey({ id, digest: new Uint8Array(32).fill(id) });

const obeyed = (order: Order): Answer => {
  try {
    return obey(order);
  } catch {
    return { type: "failed", id: order.id };
  }
};
port.on("message", (orders: readonly Order[]) => {
  for (let at = 0; at < orders.length; at += together) {
    answer({ type: "answers", answers: orders.slice(at, at + together).map(obeyed) });
  }
});
answer({ type: "ready" });
