import { isLoopback } from "../signer/remote/isLoopback.ts";
import type { Config } from "./schema.ts";

/** What is wrong with the keys `signer.*` together. */
export function checkSigner(signer: Config["signer"], issue: (key: string, problem: string) => void): void {
  const { remoteUrl, remoteAddresses, remoteCertFile, remoteCertKeyFile } = signer;
  if ((remoteCertFile === undefined) !== (remoteCertKeyFile === undefined)) {
    const [given, missing] = remoteCertFile === undefined ? ["Key", ""] : ["", "Key"];
    issue(`signer.remoteCert${given}File`, `is no use by itself; write signer.remoteCert${missing}File too`);
  }
  if (remoteUrl === undefined) {
    if (remoteAddresses.length > 0) issue("signer.remoteAddresses", "needs signer.remoteUrl");
    return;
  }
  const url = new URL(remoteUrl);
  if (url.username || url.password)
    issue("signer.remoteUrl", "holds a credential; put a token in a file and name it in signer.remoteTokenFile");
  if (url.protocol === "http:" && !isLoopback(url.hostname))
    issue(
      "signer.remoteUrl",
      "is http, which others can read and change; write https, or run the signer on this machine",
    );
  if (remoteAddresses.length === 0)
    issue("signer.remoteAddresses", "is empty; name the accounts that the remote signer signs for");
}
