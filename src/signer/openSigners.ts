import type { EnvironmentSources } from "../config/readEnvironment.ts";
import type { Config } from "../config/schema.ts";
import { type Origins, requireMeantKey } from "./keyRole.ts";
import { loadCurve } from "./loadCurve.ts";
import { privateKeySigner } from "./privateKeySigner.ts";
import { type PrivateKey, readKeys } from "./readKeys.ts";
import { createRemoteSigner } from "./remote/createRemoteSigner.ts";
import { readRemote } from "./remote/readRemote.ts";
import { createSignerRpc, type SignerRpcOptions } from "./remote/signerRpc.ts";
import { type SecretFilesOptions, secretFiles } from "./secretFiles.ts";
import type { Signer } from "./signerPort.ts";
import { openSigningThreads } from "./thread/signingThreads.ts";
import { threadedSigner } from "./threadedSigner.ts";

/** Everything that signing needs from files and the environment. */
type SignerParts = {
  readonly keys: readonly PrivateKey[];
  readonly remote: SignerRpcOptions | undefined;
  /** What no log may show: give it to the logger before anything else. */
  readonly secrets: readonly string[];
  readonly warnings: readonly string[];
};

export type OpenSigners = {
  /** One for each key, in the order of the configuration; none if there is no key. */
  readonly signers: readonly Signer[];
  /** Where the keys are, for people, in the same order. */
  readonly from: readonly string[];
  readonly close: () => Promise<void>;
};

/**
 * Reads keys, passwords, tokens and certificates, as far as the configuration names them.
 * @throws ConfigError that names the file, and never quotes it; `KEY_MISSING` where another key is meant than the one given.
 */
export function readSignerParts(
  options: EnvironmentSources &
    SecretFilesOptions & { readonly config: Pick<Config, "signer">; readonly origins: Origins },
): SignerParts {
  const { signer } = options.config;
  requireMeantKey(signer, options.origins);
  if (signer.remoteUrl !== undefined) {
    const { rpc, secrets, warnings } = readRemote({ ...signer, remoteUrl: signer.remoteUrl }, secretFiles(options));
    const unread = signer.keyFile === undefined && signer.keys.length === 0 ? [] : [notRead];
    return { keys: [], remote: rpc, secrets, warnings: [...warnings, ...unread] };
  }
  const { keys, secrets, warnings } = readKeys(options);
  return { keys, remote: undefined, secrets: [...keys.map(({ privateKey }) => privateKey), ...secrets], warnings };
}

const notRead = "signer.remoteUrl is set: the files in signer.keyFile and signer.keys are not read";

/**
 * Opens a signer for each key.
 * @throws ConfigError `CURVE_MISSING`; RetryableError `SIGNING_THREAD_LOST` if a thread does not start.
 */
export async function openSigners(signer: Config["signer"], parts: SignerParts): Promise<OpenSigners> {
  const opened: Signer[] = [];
  const closers: (() => unknown)[] = [];
  const close = async () => {
    await Promise.all([...opened.map((each) => each.close?.()), ...closers.map((each) => each())]);
  };
  try {
    for (const { privateKey } of parts.keys) opened.push(await localSigner(privateKey, signer));
    if (parts.remote) {
      const rpc = createSignerRpc(parts.remote);
      closers.push(rpc.close);
      for (const address of signer.remoteAddresses) opened.push(await remoteSigner(rpc, address, signer));
    }
  } catch (error) {
    await close();
    throw error;
  }
  const from = parts.remote ? opened.map(() => `the remote signer ${nameOf(parts.remote)}`) : [];
  return { signers: opened, from: parts.remote ? from : parts.keys.map((key) => key.from), close };
}

const nameOf = (remote: SignerRpcOptions | undefined): string => (remote ? new URL(remote.url).host : "");

function localSigner(privateKey: PrivateKey["privateKey"], { threads, engine }: Config["signer"]) {
  if (threads === 0) return privateKeySigner(privateKey, loadCurve(engine));
  return threadedSigner({ privateKey, threads, engine });
}

async function remoteSigner(
  rpc: ReturnType<typeof createSignerRpc>,
  address: Signer["address"],
  { threads, engine }: Config["signer"],
): Promise<Signer> {
  if (threads === 0) return createRemoteSigner({ rpc, address });
  // Where it is missing, that is said here, and not by a thread that cannot start.
  loadCurve(engine);
  const checkers = openSigningThreads({ engine, privateKey: undefined, address }, threads);
  try {
    await checkers.ready();
  } catch (error) {
    await checkers.close();
    throw error;
  }
  return { ...createRemoteSigner({ rpc, address, isOurs: checkers.check }), close: checkers.close };
}
