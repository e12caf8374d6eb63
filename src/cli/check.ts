import { createHttpRpc } from "../chain/jsonRpc.ts";
import { probe } from "../chain/probe.ts";
import { loadConfig } from "../config/loadConfig.ts";
import type { Config } from "../config/schema.ts";
import type { Flags } from "../config/textLayers.ts";
import { BaseError, exitCodes } from "../errors.ts";
import { createScrubber } from "../ops/scrub.ts";
import { loadPolicies } from "../policy/loadPolicies.ts";
import { checksummed } from "../protocol/brand.ts";
import { privateKeySigner } from "../signer/privateKeySigner.ts";
import { readPrivateKey } from "../signer/readPrivateKey.ts";
import { type Context, failureText } from "./context.ts";
import { requireDeployment } from "./requireDeployment.ts";

/**
 * Validates all that can be validated without paying: every problem is printed, not only the first. Writes nothing.
 * @returns the exit code: 78 if the operator has something to correct, 75 if the endpoint does not answer.
 */
export async function check(context: Context, file: string | undefined, flags: Flags): Promise<number> {
  const { env, cwd, stdout } = context;
  const worst: number[] = [exitCodes.ok];
  let config: Config | undefined;
  // A node's refusal may repeat the credential that it was asked with.
  const clean = (text: string) => createScrubber([], config ? [config.rpc.http, config.rpc.ws ?? ""] : [])(text);
  const section = async (name: string, work: () => string | Promise<string>): Promise<void> => {
    try {
      stdout.write(`ok     ${name.padEnd(14)} ${await work()}\n`);
    } catch (error) {
      stdout.write(`FAILED ${name}\n${indent(clean(failureText(error)))}`);
      worst.push(error instanceof BaseError ? error.exitCode : exitCodes.software);
    }
  };

  await section("configuration", () => {
    const loaded = loadConfig({ file, flags, env, cwd });
    config = loaded.config;
    for (const warning of loaded.warnings) stdout.write(`       warning: ${warning}\n`);
    return `network ${config.network}, chain ${config.chain.id}`;
  });
  if (config === undefined) return Math.max(...worst);
  const { policies, chain, rpc } = config;

  await section("policies", () => {
    const names = loadPolicies(policies.dir).policies.map(({ name, mode }) => `${name} (${mode})`);
    return `${names.join(", ")} in ${policies.dir}`;
  });
  const known = config;
  await section("key", () => {
    const key = readPrivateKey({ config: known, env, cwd });
    for (const warning of key?.warnings ?? []) stdout.write(`       warning: ${warning}\n`);
    if (key === undefined)
      return "none given: `run` needs one (AGENT_PRIVATE_KEY, CLIENT_PRIVATE_KEY or signer.keyFile)";
    return `${checksummed(privateKeySigner(key.privateKey).address)} from ${key.from}`;
  });
  await section("endpoint", async () => {
    const endpoint = createHttpRpc({ url: rpc.http, timeoutMs: rpc.timeout });
    const found = await probe(endpoint, { chainId: chain.id, deployment: requireDeployment(chain.id) });
    const fees = found.eip1559 ? "EIP-1559 fees" : "legacy fees";
    return `${endpoint.name}: ${found.clientVersion}, chain ${found.chainId}, head ${found.head}, ${fees}`;
  });
  return Math.max(...worst);
}

const indent = (text: string): string => text.replace(/^(?=.)/gm, "       ");
