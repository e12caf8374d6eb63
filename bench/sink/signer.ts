import { parentPort } from "node:worker_threads";
import { loadNativeCurve } from "../../src/signer/nativeCurve.ts";

/** A thread that makes so many signatures, and checks each, as a sink must for every transaction. */
const port = parentPort;
if (!port) throw new Error("this file is the entry of a worker");
const curve = loadNativeCurve();
const key = Buffer.alloc(32, 7);
const check = curve.ownCheckFor?.(key);
let made = 0;
const nextDigest = () => {
  const digest = Buffer.alloc(32);
  digest.writeUInt32BE(++made);
  return digest;
};
port.on("message", (count: number) => {
  const digests = Array.from({ length: count }, nextDigest);
  const signatures = digests.map((digest) => curve.sign(digest, key));
  if (check?.(digests, signatures).some((parity) => parity === undefined) !== false) {
    throw new Error("a signature is wrong");
  }
  port.postMessage(count);
});
