import type { Config } from "../../config/schema.ts";
import { ConfigError } from "../../errors.ts";
import { requireText, type SecretFiles } from "../secretFiles.ts";
import type { SignerRpcOptions } from "./signerRpc.ts";

type RemoteParts = {
  readonly rpc: SignerRpcOptions;
  readonly secrets: readonly string[];
  readonly warnings: readonly string[];
};

/** Reads what the configuration names for the remote signer. @throws ConfigError `KEY_UNREADABLE` or `KEY_INVALID`. */
export function readRemote(signer: Config["signer"] & { readonly remoteUrl: string }, files: SecretFiles): RemoteParts {
  const read = (key: "remoteTokenFile" | "remoteCaFile" | "remoteCertFile" | "remoteCertKeyFile", what: string) => {
    const path = signer[key];
    return path === undefined ? undefined : requireText(files, path, what, `signer.${key}`);
  };
  const token = read("remoteTokenFile", "token file")?.trim();
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token))
    throw new ConfigError(`the token file ${signer.remoteTokenFile} holds no token`, {
      code: "KEY_INVALID",
      remedy: "it must hold one line, without spaces",
    });
  const warningsOf = (path: string | undefined, what: string) =>
    path === undefined ? [] : files.modeWarnings(path, what);
  return {
    rpc: {
      url: signer.remoteUrl,
      timeoutMs: signer.remoteTimeout,
      token,
      tls: {
        ca: read("remoteCaFile", "authorities' file"),
        cert: read("remoteCertFile", "certificate"),
        key: read("remoteCertKeyFile", "certificate's key"),
      },
    },
    secrets: token === undefined ? [] : [token],
    warnings: [
      ...warningsOf(signer.remoteTokenFile, "token file"),
      ...warningsOf(signer.remoteCertKeyFile, "certificate's key"),
    ],
  };
}
