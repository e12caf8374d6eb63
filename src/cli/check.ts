import { saidIn } from "../chain/jsonRpc.ts";
import { probe } from "../chain/probe.ts";
import { type LoadedConfig, loadConfig } from "../config/loadConfig.ts";
import type { Config } from "../config/schema.ts";
import type { Flags } from "../config/textLayers.ts";
import { BaseError, describeError, exitCodes } from "../errors.ts";
import { isTokenNamed, readPageToken } from "../ops/http/pageToken.ts";
import { loadPolicies } from "../policy/loadPolicies.ts";
import { checksummed } from "../protocol/brand.ts";
import { openSigners, readSignerParts } from "../signer/openSigners.ts";
import { probeRemote } from "../signer/remote/probeRemote.ts";
import { type Context, failureText } from "./context.ts";
import { journalSite } from "./journalSite.ts";
import { openEndpoints } from "./openEndpoints.ts";
import { probeTable, probeWarnings } from "./probeTable.ts";
import { readWebhook } from "./readWebhook.ts";
import { requireDeployment } from "./requireDeployment.ts";
import { askedUrls } from "./scrubOutputs.ts";
import { nothingWatched } from "./watchedSources.ts";

/**
 * Validates all that can be validated without paying: every problem is printed, not only the first. Writes nothing.
 * @returns the exit code: 78 if the operator has something to correct, 75 if the endpoint does not answer.
 */
export async function check(context: Context, file: string | undefined, flags: Flags): Promise<number> {
  const { env, cwd, stdout } = context;
  const worst: number[] = [exitCodes.ok];
  let config: Config | undefined;
  let origins: LoadedConfig["origins"] = new Map();
  const section = async (name: string, work: () => string | Promise<string>): Promise<void> => {
    try {
      stdout.write(`ok     ${name.padEnd(14)} ${await work()}\n`);
    } catch (error) {
      const said = saidIn(error);
      stdout.write(`FAILED ${name}\n${indent(`${failureText(error)}${said ? `It said: ${said}\n` : ""}`)}`);
      worst.push(error instanceof BaseError ? error.exitCode : exitCodes.software);
    }
  };

  await section("configuration", () => {
    const loaded = loadConfig({ file, flags, env, cwd });
    ({ config, origins } = loaded);
    context.hide([], askedUrls(config));
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
  await section("key", async () => {
    const parts = readSignerParts({ config: known, origins, env, cwd });
    context.hide(parts.secrets, []);
    for (const warning of parts.warnings) stdout.write(`       warning: ${warning}\n`);
    const { signers, from, close } = await openSigners(known.signer, parts);
    await close();
    for (const warning of parts.remote ? await probeRemote(parts.remote, known.signer.remoteAddresses) : [])
      stdout.write(`       warning: ${warning}\n`);
    const idle = nothingWatched(known, signers);
    if (idle !== undefined) stdout.write(`       warning: ${idle}\n`);
    if (signers.length === 0)
      return "none given: `run` needs one (AGENT_PRIVATE_KEY, CLIENT_PRIVATE_KEY, signer.keyFile or signer.remoteUrl)";
    return signers.map(({ address }, index) => `${checksummed(address)} from ${from[index]}`).join(", ");
  });
  if (known.alerts.webhookFile !== undefined || env.CREDENTIALS_DIRECTORY)
    await section("alerts", () => {
      const { url, warnings } = readWebhook(known.alerts, env);
      context.hide([], url === undefined ? [] : [url]);
      for (const warning of warnings) stdout.write(`       warning: ${warning}\n`);
      return url === undefined ? "no webhook" : new URL(url).host;
    });
  if (isTokenNamed(origins) || env.CREDENTIALS_DIRECTORY)
    await section("page", () => {
      const { tokenFile } = known.http;
      const isNamed = isTokenNamed(origins);
      const { from, warnings } = readPageToken({ tokenFile, isNamed, credentials: env.CREDENTIALS_DIRECTORY });
      for (const warning of warnings) stdout.write(`       warning: ${warning}\n`);
      return from === undefined ? "nothing can be changed on it" : `its token is in ${from}`;
    });
  await section("endpoints", async () => {
    const endpoints = openEndpoints(known, { random: Math.random, report: () => undefined }).each();
    const { probes, down } = await probe(endpoints, {
      chainId: chain.id,
      deployment: requireDeployment(chain.id),
      finality: chain.finality,
    });
    const warnings = [...down.map(({ error }) => whyDown(error)), ...probeWarnings(probes, { ...rpc, ...chain })];
    for (const warning of warnings) stdout.write(`       warning: ${warning}\n`);
    const summary = `${probes.length} of ${endpoints.length} on chain ${chain.id}`;
    return `${summary}\n${indent(probeTable(probes))}`;
  });
  if (known.journal.url !== undefined) {
    await section("journal", async () => {
      const site = journalSite(known, { env, cwd });
      for (const warning of site.warnings) stdout.write(`       warning: ${warning}\n`);
      return `${site.name}${(await site.exists()) ? "" : ": none yet, the first start makes it"}`;
    });
  }
  return Math.max(...worst);
}

function whyDown(error: Error): string {
  const said = saidIn(error);
  return said ? `${describeError(error)}. It said: ${said}` : error.message;
}

const indent = (text: string): string => text.replace(/^(?=.)/gm, "       ");
