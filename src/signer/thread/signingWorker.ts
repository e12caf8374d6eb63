import { parentPort, workerData } from "node:worker_threads";
import { accountCheck } from "../accountCheck.ts";
import type { OwnCheck } from "../curve.ts";
import { loadCurve } from "../loadCurve.ts";
import type { Signature } from "../signature.ts";
import { createCollector } from "./collector.ts";
import { type Answer, type Birth, digestBytes, type Order, packSigned, type Signed } from "./messages.ts";

/** The entry of the thread that signs and checks: it holds one key, and speaks of digests only. */
const port = parentPort;
if (!port) throw new Error("this file is the entry of a worker");

const { engine, privateKey, address } = workerData as Birth;
const answer = (message: Answer) => port.postMessage(message);
/** Answered in one message: the one that asks has something to do while the next ones are signed. */
const together = 16;
/** Signatures and checks between two collections, which take some 10 ms: about 1 % of the time that they took themselves. */
const collectEvery = 500;
const curve = loadCurve(engine);
const check = privateKey ? curve.checkFor(curve.publicKey(privateKey)) : accountCheck(curve, address);
const checkEach: OwnCheck = (digests, signatures) =>
  digests.map((digest, index) => check(digest, signatures[index] as Signature));
const checkOwn = (privateKey && curve.ownCheckFor?.(privateKey)) ?? checkEach;

function sign(digests: readonly Uint8Array[], key: Uint8Array): readonly Signed[] {
  const signatures = digests.map((digest) => curve.sign(digest, key));
  const parities = checkOwn(digests, signatures);
  return signatures.map((signature, index) => ({ signature, parity: parities[index] }));
}

/** The first signatures of a process are slow, until they are compiled: no transaction should wait for that. */
if (privateKey) for (let id = 1; id <= 30; id++) sign([new Uint8Array(digestBytes).fill(id)], privateKey);

function signAll(ids: readonly number[], digests: Uint8Array): Answer {
  if (!privateKey) return { type: "failed", ids };
  const each = ids.map((_, index) => digests.subarray(index * digestBytes, (index + 1) * digestBytes));
  return { type: "signed", ids, signed: packSigned(sign(each, privateKey)) };
}

const attempt = (ids: readonly number[], work: () => Answer): void => {
  let said: Answer;
  try {
    said = work();
  } catch {
    said = { type: "failed", ids };
  }
  answer(said);
};
const collect = engine === "javascript" ? createCollector() : undefined;
let sinceCollected = 0;
/** Collects when enough were made, after what is due by now. */
function count(signatures: number): void {
  sinceCollected += signatures;
  if (sinceCollected < collectEvery) return;
  sinceCollected = 0;
  setImmediate(() => collect?.());
}

port.on("message", (order: Order) => {
  count(order.type === "sign" ? order.ids.length : 1);
  if (order.type === "check") {
    const { id, digest, signature } = order;
    return attempt([id], () => ({ type: "checked", id, parity: check(digest, signature) }));
  }
  const { ids, digests } = order;
  for (let at = 0; at < ids.length; at += together) {
    const some = ids.slice(at, at + together);
    attempt(some, () => signAll(some, digests.subarray(at * digestBytes)));
  }
});
answer({ type: "ready" });
