import { RefusedError } from "../client/errors.ts";
import { readAddress } from "../client/inputs.ts";
import { exitCodes } from "../errors.ts";
import type { Journal } from "../journal/journal.ts";
import { type Approval, isUnsigned, notPaused } from "../journal/withdrawalJournal.ts";
import { formatOgpu } from "../protocol/amounts.ts";
import { checksummed } from "../protocol/brand.ts";
import { mayGoOn } from "./ask.ts";
import type { Line } from "./command.ts";
import { usage } from "./commandLine.ts";
import type { Context } from "./context.ts";
import type { JournalSite } from "./journalSite.ts";
import { noDaemon } from "./noDaemon.ts";
import { personOf, reasonOf } from "./personOf.ts";
import { summaryOf } from "./summaryOf.ts";
import { json, oneLine } from "./terminal.ts";
import { withJournal } from "./withJournal.ts";

/**
 * Lists approvals that are not signed, or takes them back, beside a running daemon.
 * @returns the exit code: 1 where the answer was no, or something that was chosen could not be withdrawn any more.
 */
export async function withdraw(context: Context, line: Line): Promise<number> {
  const choice = choiceOf(line);
  return withJournal(context, line, async (journal, { site }) => {
    const held = await site.isHeld();
    if (!held) context.stderr.write(noDaemon(site, "what waits there is signed by the next one that opens it"));
    if (choice === undefined) return list(context, line, site, await journal.approvals());
    if ((await journal.pause()) === undefined) throw notPaused();
    const chosen = choice(await journal.approvals());
    return takeBack(context, line, { journal, chosen, name: site.name, held });
  });
}

/** Picks some of the approvals. @throws RefusedError `NOT_WITHDRAWABLE` where that is none. */
type Choice = (approvals: readonly Approval[]) => readonly Approval[];

/** @throws ConfigError `USAGE` for no choice where one is meant, for two, or without a reason; InputError for a bad address. */
function choiceOf({ args, options }: Line): Choice | undefined {
  const { policy: policies = [], response = [], all = false, yes = false } = options;
  const why = reasonOf({ options });
  const addresses = [...response, ...args].map((text) => readAddress("the response", text));
  const given = [policies.length > 0, addresses.length > 0, all].filter(Boolean).length;
  const ways = "--policy NAME, --response ADDRESS… or --all";
  if (given > 1) throw usage(`"withdraw" takes one of ${ways}`);
  if (given === 0 && (yes || why !== "")) throw usage(`say what to withdraw: ${ways}`);
  if (given === 0) return undefined;
  if (why === "") throw usage('"withdraw" needs a reason: --why "…"');
  if (policies.length > 0) return (approvals) => ofPolicies(approvals, policies);
  if (all) return (approvals) => approvals.filter(isOpen);
  return (approvals) => ofResponses(approvals, addresses);
}

const isOpen = ({ confirmation }: Approval): boolean => isUnsigned(confirmation);

function ofPolicies(approvals: readonly Approval[], names: readonly string[]): readonly Approval[] {
  const open = approvals.filter(isOpen);
  const known = new Set(open.map(({ policy }) => policy));
  const missing = names.find((name) => !known.has(name));
  if (missing === undefined) return open.filter(({ policy }) => names.includes(policy));
  const others = known.size === 0 ? "nor of any other" : `there are approvals of ${[...known].join(", ")}`;
  throw notWithdrawable(`no approval of the policy "${missing}" waits to be signed; ${others}`);
}

function ofResponses(approvals: readonly Approval[], addresses: readonly string[]): readonly Approval[] {
  const open = new Map<string, Approval>(
    approvals.filter(isOpen).map((each) => [checksummed(each.confirmation.response), each]),
  );
  const missing = addresses.filter((address) => !open.has(address));
  if (missing.length > 0) throw notWithdrawable(`no approval waits to be signed for ${missing.join(", ")}`);
  return [...new Set(addresses)].flatMap((address) => open.get(address) ?? []);
}

const notWithdrawable = (message: string): RefusedError =>
  new RefusedError(`${message}: nothing was withdrawn`, {
    code: "NOT_WITHDRAWABLE",
    remedy: "ogpu-confirmd withdraw lists what can be; what is signed is out",
  });

type Chosen = {
  readonly journal: Pick<Journal, "withdraw" | "confirmations">;
  readonly chosen: readonly Approval[];
  /** The journal's, for people. */
  readonly name: string;
  readonly held: boolean;
};

async function takeBack(context: Context, line: Line, { journal, chosen, name, held }: Chosen): Promise<number> {
  const { stdout } = context;
  const who = personOf(context, line).slice(0, 100);
  const why = reasonOf(line).slice(0, 500);
  const plan = `${textOf(chosen)}These are not paid then, and no policy looks at them again.\n`;
  if (chosen.length > 0 && !(await mayGoOn(context, line, plan, "nothing was withdrawn"))) return exitCodes.failed;
  const ids = chosen.map(({ confirmation }) => confirmation.id);
  const done = new Set((await journal.withdraw(ids, `withdrawn by ${who}: ${why}`)).map(({ id }) => id));
  const isDone = ({ confirmation }: Approval) => done.has(confirmation.id);
  const withdrawn = chosen.filter(isDone);
  const late = await journal.confirmations(ids.filter((id) => !done.has(id)));
  if (line.options.json) {
    const left = late.map(({ response, state }) => ({ response: checksummed(response), state }));
    stdout.write(json({ withdrawn: withdrawn.map(rowOf), left, by: who, why, journal: name, held }));
  } else {
    stdout.write(`${summaryOf(withdrawn)} withdrawn, by ${who}\nin the journal ${name}\n`);
    for (const { response, state } of late)
      stdout.write(`${checksummed(response)} is ${state} by now: left as it is\n`);
    stdout.write('paying is still paused: look at "ogpu-confirmd withdraw" again, then "ogpu-confirmd resume"\n');
  }
  return late.length === 0 ? exitCodes.ok : exitCodes.failed;
}

function list(
  { stdout }: Context,
  { options }: Line,
  { name }: Pick<JournalSite, "name">,
  approvals: readonly Approval[],
): number {
  if (options.json) stdout.write(json(approvals.map(rowOf)));
  else stdout.write(approvals.length === 0 ? `nothing waits to be signed in the journal ${name}\n` : textOf(approvals));
  return exitCodes.ok;
}

const rowOf = ({ confirmation, policy, reason, decidedAt }: Approval) => ({
  since: new Date(decidedAt).toISOString(),
  task: checksummed(confirmation.task),
  response: checksummed(confirmation.response),
  price: formatOgpu(confirmation.payment),
  policy,
  reason,
  canBeWithdrawn: isUnsigned(confirmation),
});

const textOf = (approvals: readonly Approval[]): string =>
  [...approvals.map(linesOf), `${summaryOf(approvals)}\n`].join("");

function linesOf(approval: Approval): string {
  const { since, task, response, price, policy, reason, canBeWithdrawn } = rowOf(approval);
  const signed = canBeWithdrawn ? "" : "    was signed once, and cannot be withdrawn\n";
  return `${since}  ${price}  ${policy}\n    task ${task}\n    response ${response}\n    ${oneLine(reason, 300)}\n${signed}`;
}
