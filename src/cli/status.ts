import { describeError, exitCodes } from "../errors.ts";
import { formatOgpu } from "../protocol/amounts.ts";
import { checksummed } from "../protocol/brand.ts";
import type { Line } from "./command.ts";
import type { Context } from "./context.ts";
import { during } from "./progress.ts";
import { type Cell, facts, json } from "./terminal.ts";
import { type Opened, withClient } from "./withClient.ts";
import { besideDaemon } from "./withJournal.ts";

const dayMs = 86_400_000;

/** How the daemon, its journal, its key and the chain stand. @returns the exit code: 75 where the chain does not answer. */
export const status = (context: Context, line: Line): Promise<number> =>
  withClient(context, line, async (opened) => {
    const journal = await journalStanding(opened);
    const chain = await during(context, "reading the chain", chainStanding(opened));
    const lag = "head" in chain && journal?.checkpoint !== undefined ? chain.head - journal.checkpoint : undefined;
    const {
      network,
      chain: { id },
    } = opened.config;
    const shown = {
      network,
      chainId: id,
      ...chain,
      ...(journal ?? { journal: "none yet", daemon: "not running" }),
      lag,
    };
    if (line.options.json) context.stdout.write(json(shown));
    else
      context.stdout.write(
        facts(
          context,
          Object.entries(shown).flatMap(([name, value]): [string, Cell][] =>
            value === undefined ? [] : [[labels[name] ?? name, cellOf(name, value)]],
          ),
        ),
      );
    return "problem" in chain ? exitCodes.temporary : exitCodes.ok;
  });

const labels: Readonly<Record<string, string>> = {
  chainId: "chain",
  openTasks: "open tasks",
  inFlight: "in flight",
  paidToday: "paid in 24 h",
  lag: "blocks behind the head",
};

function cellOf(name: string, value: string | number): Cell {
  const text = String(value);
  if (name === "problem" || text.startsWith("PAUSED")) return { text, style: "red" };
  if (name === "daemon") return { text, style: value === "running" ? "green" : "yellow" };
  return text;
}

async function chainStanding({ client, signer }: Opened) {
  try {
    const head = await client.chain.head();
    const balance = signer && (await client.chain.balance(signer.address));
    return {
      endpoint: client.rpc.name,
      head: Number(head.number),
      signer: signer ? checksummed(signer.address) : "no key is given",
      ...(balance !== undefined && { balance: formatOgpu(balance) }),
    };
  } catch (error) {
    return { problem: describeError(error) };
  }
}

/** Reads the journal as it is, and creates none. */
async function journalStanding({ site }: Opened) {
  if (!(await site.exists())) return undefined;
  const daemon = (await site.isHeld()) ? "running" : "not running";
  return besideDaemon(site, async (journal) => {
    const [{ openTasks, inFlight, held }, paid, pause, cursor] = [
      await journal.figures(),
      await journal.paid(Date.now() - dayMs),
      await journal.pause(),
      await journal.cursor(),
    ];
    return {
      daemon,
      paying: pause ? `PAUSED since ${new Date(pause.at).toISOString()}: ${pause.why}` : "on",
      journal: site.name,
      checkpoint: cursor && Number(cursor.number),
      ...{ openTasks, inFlight, held },
      paidToday: formatOgpu(paid),
    };
  });
}
