import { readAddress, readAmount } from "../client/inputs.ts";
import { publishSource as publishSourceFor } from "../client/publishSource.ts";
import { requirePublishable } from "../client/publishTask.ts";
import { requireActsFor } from "../client/reads.ts";
import { draftSource } from "../client/sourceParams.ts";
import type { SourceInfo, TaskInput } from "../client/types.ts";
import { parseDuration } from "../config/duration.ts";
import { exitCodes } from "../errors.ts";
import { formatOgpu } from "../protocol/amounts.ts";
import { checksummed } from "../protocol/brand.ts";
import { DeliveryMethod } from "../protocol/statuses.ts";
import { maySend } from "./ask.ts";
import type { Line } from "./command.ts";
import { usage } from "./commandLine.ts";
import type { CommandOptions } from "./commandOptions.ts";
import type { Context } from "./context.ts";
import { during } from "./progress.ts";
import { readExpiry, readJson, required } from "./readers.ts";
import { printSent } from "./sent.ts";
import { facts, onErrors } from "./terminal.ts";
import { type Opened, signerIn, withClient } from "./withClient.ts";
import { requireFreeKey, sendWith } from "./withKey.ts";

/** Publishes a source or a task. @returns the exit code. */
export const publish = (context: Context, line: Line): Promise<number> =>
  withClient(context, line, async (opened) => {
    await requireFreeKey(opened.site, signerIn(opened));
    const [action] = line.args;
    if (action === "source") return publishSource(context, line, opened);
    if (action === "task") return publishTask(context, line, opened);
    throw usage('write "publish source" or "publish task SOURCE"');
  });

async function publishTask(context: Context, line: Line, opened: Opened): Promise<number> {
  const { client } = opened;
  const { options } = line;
  const signer = signerIn(opened);
  const source = readAddress("the source", required(line.args[1], "the source's address"));
  const payment = readAmount("--payment", required(options.payment, '--payment (such as "0.05 OGPU")'));
  const config = inputOf(context, options);
  const { timestamp } = await during(context, "reading the chain", client.chain.head());
  const expiryTime = readExpiry(options.expires ?? "1h", Number(timestamp));
  const checking = requirePublishable(client, signer.address, { source, payment, expiryTime });
  const { client: owner, vaultBalance } = await during(context, "reading the chain", checking);
  const plan = facts(onErrors(context), [
    ["publish a task on", source],
    ["which freezes", `${formatOgpu(payment)} of the ${formatOgpu(vaultBalance)} that ${owner} has in the Vault`],
    ["until", new Date(expiryTime * 1_000).toISOString()],
    ["signed by", checksummed(signer.address)],
  ]);
  if (!(await maySend(context, line, opened.config, plan))) return exitCodes.failed;
  const send = () => client.publishTask({ source, config, expiryTime, payment });
  const publishing = sendWith(opened, "publish task", send);
  const { task, ...mined } = await during(context, "uploading, and waiting until it is mined", publishing);
  printSent(context, line, { task, frozen: formatOgpu(payment) }, mined);
  return exitCodes.ok;
}

function inputOf(context: Context, options: CommandOptions): TaskInput | string {
  const { url, input, data, function: functionName } = options;
  if ([url, input, data].filter((each) => each !== undefined).length !== 1) {
    throw usage("say what the task asks: --function NAME with --data JSON, or --input JSON, or --url URL; one of them");
  }
  if (functionName !== undefined && data === undefined) {
    throw usage(
      `--function goes with --data: what --${url === undefined ? "input" : "url"} gives names its function itself`,
    );
  }
  if (url !== undefined) return url;
  const content = readJson(context, input === undefined ? "data" : "input", input ?? data ?? "");
  if (input === undefined) return { function_name: required(functionName, "--function"), data: content };
  const named = typeof content === "object" && content !== null && "function_name" in content && "data" in content;
  if (!named) throw usage("--input is JSON with function_name and data");
  return content as TaskInput;
}

async function publishSource(context: Context, line: Line, opened: Opened): Promise<number> {
  const { options } = line;
  const signer = signerIn(opened);
  const info = sourceOf(options);
  const client = readAddress("the client", options.client ?? signer.address);
  draftSource(client, info);
  const checking = requireActsFor(opened.client, signer.address, client, "the source");
  await during(context, "reading the chain", checking);
  const plan = facts(onErrors(context), [
    ["publish the source", info.name],
    ["for the client", client],
    ["least payment", formatOgpu(readAmount("--min-payment", info.minPayment))],
    ["signed by", checksummed(signer.address)],
  ]);
  if (!(await maySend(context, line, opened.config, plan))) return exitCodes.failed;
  const send = () => publishSourceFor({ ...opened.client, onBehalfOf: client }, info);
  const publishing = sendWith(opened, "publish source", send);
  const { source, ...mined } = await during(context, "uploading, and waiting until it is mined", publishing);
  printSent(context, line, { source }, mined);
  return exitCodes.ok;
}

function sourceOf(options: CommandOptions): SourceInfo {
  const { cpu, nvidia, amd } = options;
  return {
    name: required(options.name, "--name"),
    description: options.description ?? "",
    logoUrl: options.logo ?? "",
    imageEnvs: { ...(cpu && { cpu }), ...(nvidia && { nvidia }), ...(amd && { amd }) },
    minPayment: required(options["min-payment"], '--min-payment (such as "0.001 OGPU")'),
    minAvailableLockup: options["min-lockup"] ?? 0n,
    maxExpiryDuration: secondsOf(options["max-expiry"] ?? "1d"),
    deliveryMethod: options["first-response"] ? DeliveryMethod.FIRST_RESPONSE : DeliveryMethod.MANUAL_CONFIRMATION,
  };
}

function secondsOf(text: string): number {
  try {
    return Math.floor(parseDuration(text) / 1_000);
  } catch {
    throw usage(`--max-expiry is a duration like 1d, not "${text}"`);
  }
}
