import { formatOgpu } from "../protocol/amounts.ts";
import { deploymentOn, mainnet, testnet } from "../protocol/chains.ts";
import { isLoopback } from "../signer/remote/isLoopback.ts";
import type { Issue } from "./layer.ts";
import type { Config } from "./schema.ts";

type Tell = (key: string, problem: string) => void;

/** What is wrong with values that are right one by one. */
export function checkTogether(config: Config, origins: ReadonlyMap<string, string>): readonly Issue[] {
  const { network, chain, rpc, watch } = config;
  const issues: Issue[] = [];
  const issue: Tell = (key, problem) => void issues.push({ key, origin: origins.get(key) ?? "default", problem });

  const expected = network === "mainnet" ? mainnet.id : network === "testnet" ? testnet.id : undefined;
  if (expected !== undefined && chain.id !== expected)
    issue("chain.id", `is ${chain.id}, but ${network} is chain ${expected}; remove it, or set network`);
  else if (!deploymentOn(chain.id))
    issue("chain.id", `is ${chain.id}, where the network's contracts are not known; write ${mainnet.id}`);

  if (rpc.http.length === 0) issue("rpc.http", "is empty; write one URL at least");

  if (!watch.own && watch.sources.length === 0 && watch.clients.length === 0)
    issue(
      "watch.own",
      "is false and nothing else is watched; name sources in watch.sources or clients in watch.clients",
    );
  checkJournal(config.journal, issue);
  checkSigner(config.signer, issue);
  checkLimits(config, issue);
  return issues;
}

function checkJournal({ url, passwordFile }: Config["journal"], issue: Tell): void {
  if (url === undefined) {
    if (passwordFile !== undefined)
      issue("journal.passwordFile", "needs journal.url: the file in journal.path has no password");
    return;
  }
  const { password, pathname, searchParams } = new URL(url);
  if (password !== "" || searchParams.has("password"))
    issue("journal.url", "holds a password; put it in a file and name that in journal.passwordFile");
  if (pathname.length < 2) issue("journal.url", "names no database; write postgres://user@host/database");
}

/** What is wrong with the ceilings together: nothing may be held for ever that a single key allows. */
function checkLimits({ sink, guardrails }: Pick<Config, "sink" | "guardrails">, issue: Tell): void {
  for (const name of ["perHour", "perDay", "perProviderHour"] as const) {
    const limit = guardrails[name];
    if (limit === undefined || limit === 0n || sink.maxPayment <= limit) continue;
    const [price, most] = [formatOgpu(sink.maxPayment), formatOgpu(limit)];
    issue(
      "sink.maxPayment",
      `is ${price}, above guardrails.${name} (${most}): such a confirmation would be held for ever; raise the one or lower the other`,
    );
  }
  if (sink.maxTip !== undefined && sink.minTip > sink.maxTip)
    issue("sink.minTip", "is above sink.maxTip; lower it, or raise that");
  if (sink.minTip > sink.maxFeePerGas) issue("sink.minTip", "is above sink.maxFeePerGas; lower it, or raise that");
}

/** What is wrong with the keys `signer.*` together. */
function checkSigner(signer: Config["signer"], issue: Tell): void {
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
