import type { Reporter } from "../report.ts";
import type { Head } from "./chainPort.ts";
import { readAll } from "./contractReads.ts";
import { headNotShown } from "./endpoints/farHead.ts";
import type { HttpRpc } from "./jsonRpc.ts";
import type { NewestBlock } from "./newestBlock.ts";
import { blockRead } from "./snapshot.ts";
import { toHead, toQuantity, type WireBlock } from "./wire.ts";

type HeadReaderDeps = { readonly rpc: HttpRpc; readonly newest: NewestBlock; readonly report: Reporter };

/** Blocks below a head that nobody has, by which the newest that there is is sought where nothing is known of it. */
const below = [1n, 2n, 4n, 8n, 16n, 32n, 64n, 128n, 256n];
/** Blocks above the newest that was shown, by which it is found from one head to the next. */
const above = Array.from({ length: 10 }, (_, offset) => BigInt(offset));

/**
 * The head as a node tells it. Where it is claimed for some time that there are blocks which no node has, its word does not count any
 * more: everything would be asked in a block that nobody has. The newest block that a node has is the head then.
 */
export function createHeadReader({ rpc, newest, report }: HeadReaderDeps): () => Promise<Head> {
  let isTold = false;

  const newestShown = async (claimed: Head): Promise<Head> => {
    const { number } = claimed;
    const near = [...below.map((by) => number - by), ...above.map((by) => newest.shownUpTo() + by)];
    const asked = [number, ...near.filter((each) => each >= 0n && each < number)];
    const [itself, ...others] = await readAll(
      rpc,
      asked.map((each) => blockRead(toQuantity(each))),
    );
    const found = itself ?? newestOf(others);
    if (itself !== undefined) isTold = false;
    // One that lacks what was shown before hangs behind, and says nothing of the head.
    if (found === undefined || found.number < newest.shownUpTo()) return claimed;
    newest.shown(found.number);
    if (itself !== undefined) return claimed;
    newest.corrected(number, found.number);
    const error = headNotShown(rpc.name, { head: number, asked: number, known: found.number });
    if (!isTold) report({ type: "retry", what: "head", error, inMs: 0 });
    isTold = true;
    return found;
  };

  return async () => {
    const claimed = toHead(await rpc.call<WireBlock>("eth_getBlockByNumber", "latest", false));
    newest.claimed(claimed.number);
    const found = newest.isDoubtful() ? await newestShown(claimed) : claimed;
    newest.told(found.number);
    return found;
  };
}

const newestOf = (heads: readonly (Head | undefined)[]): Head | undefined =>
  heads.reduce(
    (newest, head) => (newest === undefined || (head !== undefined && head.number > newest.number) ? head : newest),
    undefined,
  );
