import { isHex } from "viem";
import type { AccountAddress } from "../protocol/brand.ts";
import { accountCheck } from "../signer/accountCheck.ts";
import { checkSigned } from "../signer/checkSigned.ts";
import { javascriptCurve } from "../signer/javascriptCurve.ts";
import { privateKeySigner } from "../signer/privateKeySigner.ts";
import type { Signer } from "../signer/signerPort.ts";
import type { ClientContext } from "./context.ts";
import { InputError } from "./errors.ts";
import { readAddress } from "./inputs.ts";
import { requireWriteOptions } from "./options.ts";
import type { WriteOptions } from "./types.ts";

/** @throws InputError `KEY_INVALID`, which never quotes the key. */
export function toSigner(given: Signer | `0x${string}`): Signer {
  if (typeof given !== "string") return checked(requireSigner(given));
  const bad = new InputError("the private key is not 32 bytes of hex with 0x", {
    code: "KEY_INVALID",
    remedy: "give 0x and 64 hexadecimal digits, or a signer of your own",
  });
  if (!isHex(given) || given.length !== 66) throw bad;
  try {
    return privateKeySigner(given);
  } catch {
    throw bad;
  }
}

/** An account of viem has a `sign`, too: of a hash. */
function requireSigner(given: Signer): Signer {
  const { address, sign } = Object(given) as Partial<Signer>;
  if (typeof sign === "function" && !("signTransaction" in given)) {
    readAddress("the signer", address ?? "");
    return given;
  }
  throw new InputError("the signer is neither a private key nor a Signer", {
    code: "KEY_INVALID",
    remedy:
      "give 0x and 64 hexadecimal digits, or an object with the `address` and the `sign` of a Signer: see createDigestSigner",
  });
}

/**
 * Lanes and comparisons go by the address in lower case. What it signs is read back: what is looked for under another hash, or in
 * another nonce, than its own seems lost, and would be signed anew although it is mined.
 */
function checked(signer: Signer): Signer {
  const address = signer.address.toLowerCase() as AccountAddress;
  const isOurs = accountCheck(javascriptCurve, address);
  const { close } = signer;
  return {
    address,
    sign: async (transaction) => checkSigned((await signer.sign(transaction)).raw, transaction, isOurs),
    ...(close && { close: () => close.call(signer) }),
  };
}

/**
 * The signer of a call, or else the client's. Every write asks for it first, so that all options are looked at here.
 * @throws InputError `SIGNER_MISSING` if there is none; `OPTION_INVALID`.
 */
export function signerOf(context: ClientContext, options: WriteOptions = {}): Signer {
  requireWriteOptions(options);
  const { signer } = options;
  if (signer !== undefined) return toSigner(signer);
  if (context.signer) return context.signer;
  throw new InputError("this client has no key to sign with", {
    code: "SIGNER_MISSING",
    remedy: "give `signer` to createClient or to the call: a private key, or a signer of your own",
  });
}
