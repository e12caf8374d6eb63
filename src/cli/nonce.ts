import { formatGwei } from "viem/utils";
import type { FixedNonces } from "../client/nonce/fixNonce.ts";
import type { NonceInfo, WaitingNonce } from "../client/nonce/getNonceInfo.ts";
import type { NonceFix } from "../client/nonce/planNonceFix.ts";
import { exitCodes } from "../errors.ts";
import { formatOgpu } from "../protocol/amounts.ts";
import type { AccountAddress } from "../protocol/brand.ts";
import { feeCap } from "../sink/fees.ts";
import { maySend } from "./ask.ts";
import type { Line } from "./command.ts";
import { usage } from "./commandLine.ts";
import type { Context } from "./context.ts";
import { during } from "./progress.ts";
import { facts, json, onErrors, table } from "./terminal.ts";
import { type Opened, signerIn, withClient } from "./withClient.ts";
import { besideDaemon } from "./withJournal.ts";

/** Tells where a key's transactions stand, and mends what is stuck. @returns the exit code. */
export const nonce = (context: Context, line: Line): Promise<number> =>
  withClient(context, line, async (opened) => {
    const [action = "info"] = line.args;
    if (action === "info") return info(context, line, opened);
    if (action === "fix") return fix(context, line, opened);
    if (action === "reset") return reset(context, line, opened);
    throw usage('write "nonce info", "nonce fix" or "nonce reset"');
  });

/** What the journal knows of a key: since when each nonce is signed, and which of them a daemon looks after. */
async function journalled(site: Opened["site"], address: string): Promise<ReadonlyMap<number, number>> {
  if (!(await site.exists())) return new Map();
  const account = address.toLowerCase() as AccountAddress;
  const unsettled = await besideDaemon(site, (journal) => journal.unsettled());
  // Early versions did not keep who signed: those may be this key's.
  const own = unsettled.filter(({ attempts }) => (attempts.at(-1)?.signer ?? account) === account);
  return new Map(
    own.flatMap(({ nonce: at, attempts }) => (at === undefined ? [] : [[at, attempts[0]?.signedAt ?? 0]])),
  );
}

async function info(context: Context, line: Line, { client, site, signer, config }: Opened): Promise<number> {
  const address = line.args[1] ?? signerIn({ signer, config }).address;
  const found = await during(context, "reading the chain", client.getNonceInfo({ address }));
  const known = await journalled(site, found.address);
  const { waiting } = found;
  if (line.options.json) {
    const { baseFee, idleSince, ...rest } = found;
    context.stdout.write(
      json({
        ...rest,
        cachedNonce: undefined,
        baseFee: baseFee === undefined ? null : `${formatGwei(baseFee)} gwei`,
        idleSince: idleSince === undefined ? null : timeOf(idleSince * 1_000),
        waiting: waiting?.map((each) => asJson(each, known)) ?? null,
      }),
    );
    return exitCodes.ok;
  }
  context.stdout.write(facts(context, summary(found)));
  if (waiting && waiting.length > 0) context.stdout.write(`\n${waitingTable(context, waiting, known)}`);
  return exitCodes.ok;
}

const summary = ({ address, minedNonce, pendingCount, baseFee, idleSince, explanation }: NonceInfo) =>
  [
    ["account", address],
    ["mined", `${minedNonce} transactions`],
    [
      "waiting",
      `${pendingCount}${pendingCount > 0 && idleSince ? `; nothing was mined since ${timeOf(idleSince * 1_000)}` : ""}`,
    ],
    ["base fee", baseFee === undefined ? "none on this chain" : `${formatGwei(baseFee)} gwei`],
    ["meaning", explanation],
  ] as const;

const waitingTable = (context: Context, waiting: readonly WaitingNonce[], known: ReadonlyMap<number, number>): string =>
  table(
    context,
    ["NONCE", "STATE", "OFFERS", "SINCE", "WHAT"],
    waiting.map((each) => [
      String(each.nonce),
      { text: each.state, style: each.state === "underpriced" || each.state === "gap" ? "red" : "green" },
      offers(each),
      sinceOf(each, known),
      each.what,
    ]),
  );

const timeOf = (at: number): string => new Date(at).toISOString();
const offers = ({ fees }: WaitingNonce): string => (fees ? `${formatGwei(feeCap(fees))} gwei` : "-");

function sinceOf({ nonce: at, since, hash }: WaitingNonce, known: ReadonlyMap<number, number>): string {
  const signed = since ?? known.get(at);
  if (signed !== undefined) return timeOf(signed);
  return hash === undefined ? "-" : "unknown: not signed here";
}

const asJson = (each: WaitingNonce, known: ReadonlyMap<number, number>) => {
  const signed = each.since ?? known.get(each.nonce);
  return {
    nonce: each.nonce,
    state: each.state,
    hash: each.hash ?? null,
    offers: offers(each),
    since: signed === undefined ? null : timeOf(signed),
    what: each.what,
  };
};

async function fix(context: Context, line: Line, opened: Opened): Promise<number> {
  const { client, site } = opened;
  const signer = signerIn(opened);
  const known = await journalled(site, signer.address);
  let plan: NonceFix | undefined;
  const approve = async (found: NonceFix): Promise<boolean> => {
    plan = found;
    const rows = found.steps.map((step) => [
      ...[String(step.nonce), step.action, step.why, sinceOf(step, known), formatOgpu(step.cost), step.what],
    ]);
    const { idleSince } = found.info;
    const left = found.untouched.length;
    const steps = table(onErrors(context), ["NONCE", "ACTION", "WHY", "SINCE", "COSTS AT MOST", "WHAT"], rows);
    const idle = idleSince ? `nothing of this account was mined since ${timeOf(idleSince * 1_000)}\n` : "";
    const rest = left === 0 ? "" : `${left} others wait and are left alone: they are mined once these are\n`;
    const approved = await maySend(context, line, opened.config, `${idle}${steps}${rest}`);
    if (approved) context.stderr.write("waiting until the replacements are mined …\n");
    return approved;
  };
  const ownedBy = async () => new Set((await journalled(site, signer.address)).keys());
  const { approved, sent, changed, nextNonce, plan: looked } = await client.fixNonce({ approve, leave: ownedBy });
  if (plan === undefined) {
    const left = looked.untouched.filter(({ nonce: at, state }) => known.has(at) && state !== "behind").length;
    const word = left > 0 ? await whoLooksAfter(site) : "";
    if (line.options.json) context.stdout.write(json({ approved: false, sent: [], nextNonce }));
    else context.stdout.write(`nothing is stuck that could be mended: ${looked.info.explanation}${word}\n`);
    return exitCodes.ok;
  }
  const isMended = approved && changed.length === 0 && sent.every(({ outcome }) => outcome === "mined");
  if (line.options.json) {
    const left = changed.map(({ nonce: at, action }) => ({ nonce: at, action }));
    context.stdout.write(json({ approved, sent, left, nextNonce }));
  } else if (approved) {
    for (const each of sent) context.stdout.write(`nonce ${each.nonce}: ${cameOf(each)}\n`);
    for (const { nonce: at, action } of changed)
      context.stdout.write(`nonce ${at}: left alone; it changed since it was shown, so no ${action} was sent\n`);
    const end = isMended ? "mended; the" : "look again (nonce info); the";
    context.stdout.write(`${end} next free nonce is ${nextNonce}\n`);
  }
  return isMended ? exitCodes.ok : exitCodes.failed;
}

const whoLooksAfter = async ({ isHeld, name }: Opened["site"]): Promise<string> =>
  (await isHeld())
    ? "; a daemon looks after what waits, and raises its fees itself"
    : `; what waits is in the journal ${name}, and no daemon holds that: start it, and it raises the fees itself`;

function cameOf({ hash, action, outcome }: FixedNonces["sent"][number]): string {
  switch (outcome) {
    case "mined":
      return `${action}, ${hash}`;
    case "reverted":
      return `${action}, ${hash}, which was mined and reverted`;
    case "displaced":
      return `another transaction was mined in it, and not the ${action} ${hash}`;
    case "unknown":
      return `something was mined in it, and it is not sure whether it was the ${action} ${hash}`;
    default:
      return outcome satisfies never;
  }
}

/** The command line keeps no nonces between two calls, and a daemon's are free when something is mined in them alone. */
async function reset(context: Context, line: Line, { client, signer, config }: Opened): Promise<number> {
  const address = line.args[1] ?? signerIn({ signer, config }).address;
  client.clearAllNonceCaches();
  const { address: account, pendingNonce } = await during(
    context,
    "reading the chain",
    client.getNonceInfo({ address }),
  );
  if (line.options.json) context.stdout.write(json({ address: account, nextNonce: pendingNonce }));
  else
    context.stdout.write(
      `the next nonce of ${account} is ${pendingNonce}, as the node counts\nnothing had to be forgotten: the command line keeps no nonces, and a daemon's are free when something is mined in them\n`,
    );
  return exitCodes.ok;
}
