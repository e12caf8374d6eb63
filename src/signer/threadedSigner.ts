import type { Hex } from "../protocol/brand.ts";
import { addressOf } from "./addressOf.ts";
import { checkOwn, different } from "./checkSigned.ts";
import { loadCurve } from "./loadCurve.ts";
import { keyBytes, privateKeySigner } from "./privateKeySigner.ts";
import type { Signer } from "./signerPort.ts";
import type { Engine } from "./thread/messages.ts";
import { openSigningThreads } from "./thread/signingThreads.ts";
import { writeTransaction } from "./transactionBytes.ts";

type ThreadedSignerOptions = {
  /** 32 bytes of hex with `0x`. */
  readonly privateKey: Hex;
  /** At least 1. @default 1 */
  readonly threads?: number;
  /** @default "javascript" */
  readonly engine?: Engine;
};

/**
 * Signs with a key held in memory, in threads of its own: the same bytes as `privateKeySigner`, and this thread is free
 * meanwhile. The native library signs one transaction in less time than the way to a thread and back takes: so the first of
 * several that are asked for at once is signed here.
 *
 * @throws ConfigError `CURVE_MISSING`; RetryableError `SIGNING_THREAD_LOST` if the threads cannot start.
 */
export async function threadedSigner(options: ThreadedSignerOptions): Promise<Required<Signer>> {
  const { privateKey, threads: count = 1, engine = "javascript" } = options;
  const key = keyBytes(privateKey);
  const address = addressOf(loadCurve(engine).publicKey(key));
  const threads = openSigningThreads({ engine, privateKey: key, address }, count);
  try {
    await threads.ready();
  } catch (error) {
    await threads.close();
    throw error;
  }
  const here = engine === "native" ? privateKeySigner(privateKey, loadCurve(engine)) : undefined;
  let isBurst = false;
  let isClosed = false;
  return {
    address,
    sign: async (transaction) => {
      if (here !== undefined && !isBurst && !isClosed) {
        isBurst = true;
        setImmediate(() => {
          isBurst = false;
        });
        return here.sign(transaction);
      }
      const { digest, signed } = writeTransaction(transaction);
      const { signature, parity } = await threads.sign(digest());
      if (parity !== signature.yParity) throw different(["signer"]);
      return checkOwn(signed(signature), transaction, signature);
    },
    close: () => {
      isClosed = true;
      return threads.close();
    },
  };
}
