import { exitCodes } from "../errors.ts";
import type { Journal } from "../journal/journal.ts";
import type { HeldAnswer } from "../journal/policyJournal.ts";
import { formatOgpu } from "../protocol/amounts.ts";
import { checksummed } from "../protocol/brand.ts";
import type { Line } from "./command.ts";
import { usage } from "./commandLine.ts";
import type { Context } from "./context.ts";
import { personOf, reasonOf } from "./personOf.ts";
import { json, oneLine } from "./terminal.ts";
import { withJournal } from "./withJournal.ts";

const kinds = ["approve", "reject", "expire"] as const;

/**
 * The queue of responses that wait for a person. Works beside a running daemon, which carries the answer out at its next
 * look: on the chain as it is then, and under the same ceilings.
 * @returns the exit code.
 */
export async function held(context: Context, line: Line): Promise<number> {
  const { args, options } = line;
  const [action = "list", ...ids] = args;
  const kind = kinds.find((known) => known === action);
  if (action !== "list" && kind === undefined) throw usage(`there is no "held ${action}"`);
  return withJournal(context, line, async (journal) => {
    if (kind === undefined) return list(context, await journal.held(), options.json === true);
    for (const answer of answersOf(kind, ids, personOf(context, line), reasonOf(line))) {
      await journal.answerHeld(answer, Date.now());
      context.stdout.write(`${answer.verdictId}: ${kind}, by ${answer.who}\n`);
    }
    return exitCodes.ok;
  });
}

type Answer = Pick<HeldAnswer, "verdictId" | "kind" | "who" | "why">;

function answersOf(kind: HeldAnswer["kind"], ids: readonly string[], who: string, why: string): readonly Answer[] {
  if (ids.length === 0) throw usage(`"held ${kind}" needs the ID of a held response`);
  if (why === "") throw usage(`"held ${kind}" needs a reason: --why "…"`);
  return ids.map((id) => {
    if (!/^[1-9]\d{0,14}$/.test(id)) throw usage(`"${id}" is no ID of a held response`);
    return { verdictId: Number(id), kind, who: who.slice(0, 100), why: why.slice(0, 500) };
  });
}

type Held = Awaited<ReturnType<Journal["held"]>>;

async function list({ stdout }: Context, verdicts: Held, asJson: boolean): Promise<number> {
  const rows = verdicts.map(({ id, task, response, payment, policy, mode, reason, decidedAt }) => ({
    id,
    since: new Date(decidedAt).toISOString(),
    task: checksummed(task),
    response: checksummed(response),
    price: formatOgpu(payment),
    policy: mode === "shadow" ? `${policy} (shadow: an approval pays nothing)` : policy,
    reason,
  }));
  if (asJson) stdout.write(json(rows));
  else if (rows.length === 0) stdout.write("nothing is held\n");
  for (const { id, since, task, response, price, policy, reason } of asJson ? [] : rows) {
    stdout.write(
      `${id}  ${since}  ${price}  ${policy}\n    task ${task}\n    response ${response}\n    ${oneLine(reason, 300)}\n`,
    );
  }
  return exitCodes.ok;
}
