import { deploymentOn, mainnet, testnet } from "../protocol/chains.ts";
import type { Issue } from "./layer.ts";
import type { Config } from "./schema.ts";

/** What is wrong with values that are right one by one. */
export function checkTogether(config: Config, origins: ReadonlyMap<string, string>): readonly Issue[] {
  const { network, chain, watch } = config;
  const issues: Issue[] = [];
  const issue = (key: string, problem: string) => issues.push({ key, origin: origins.get(key) ?? "default", problem });

  const expected = network === "mainnet" ? mainnet.id : network === "testnet" ? testnet.id : undefined;
  if (expected !== undefined && chain.id !== expected)
    issue("chain.id", `is ${chain.id}, but ${network} is chain ${expected}; remove it, or set network`);
  else if (!deploymentOn(chain.id))
    issue("chain.id", `is ${chain.id}, where the network's contracts are not known; write ${mainnet.id}`);

  if (!watch.own && watch.sources.length === 0 && watch.clients.length === 0)
    issue(
      "watch.own",
      "is false and nothing else is watched; name sources in watch.sources or clients in watch.clients",
    );
  return issues;
}
