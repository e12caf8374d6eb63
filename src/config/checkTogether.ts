import { deploymentOn, mainnet, testnet } from "../protocol/chains.ts";
import { checkLimits } from "./checkLimits.ts";
import { checkSigner } from "./checkSigner.ts";
import type { Issue } from "./layer.ts";
import type { Config } from "./schema.ts";

/** What is wrong with values that are right one by one. */
export function checkTogether(config: Config, origins: ReadonlyMap<string, string>): readonly Issue[] {
  const { network, chain, rpc, watch } = config;
  const issues: Issue[] = [];
  const issue = (key: string, problem: string) =>
    void issues.push({ key, origin: origins.get(key) ?? "default", problem });

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

function checkJournal({ url, passwordFile }: Config["journal"], issue: (key: string, problem: string) => void): void {
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
