import { parentPort } from "node:worker_threads";
import { loadNativeCurve } from "../../src/signer/nativeCurve.ts";

/** A thread that makes so many signatures, and checks each, as a sink must for every transaction. */
const port = parentPort;
if (!port) throw new Error("this file is the entry of a worker");
const curve = loadNativeCurve();
const key = Buffer.alloc(32, 7);
const check = curve.checkFor(curve.publicKey(key));
let made = 0;
const signOne = () => {
  const digest = Buffer.alloc(32);
  digest.writeUInt32BE(++made);
  if (check(digest, curve.sign(digest, key)) === undefined) throw new Error("a signature is wrong");
};
port.on("message", (count: number) => {
  for (let index = 0; index < count; index++) signOne();
  port.postMessage(count);
});
