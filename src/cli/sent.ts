import type { MinedTransaction } from "../client/types.ts";
import { formatOgpu } from "../protocol/amounts.ts";
import type { Line } from "./command.ts";
import type { Context } from "./context.ts";
import { type Cell, facts, json } from "./terminal.ts";

/** Prints what was mined: first what it made, then the transaction. */
export function printSent(
  context: Context,
  { options }: Pick<Line, "options">,
  made: Readonly<Record<string, string>>,
  { hash, nonce, blockNumber, fee }: MinedTransaction,
): void {
  const rows = { ...made, transaction: hash, nonce, block: Number(blockNumber), gas: formatOgpu(fee) };
  if (options.json) context.stdout.write(json(rows));
  else
    context.stdout.write(
      facts(
        context,
        Object.entries(rows).map(([name, value]): [string, Cell] => [name, String(value)]),
      ),
    );
}
