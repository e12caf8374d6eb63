import type { RpcAnswer, RpcCall } from "../jsonRpc.ts";
import { quantity } from "./answerShapes.ts";
import { EndpointError } from "./endpointError.ts";

/**
 * An endpoint may exaggerate its head, and then everything would be asked in a block that nobody has. No rule on numbers tells that
 * from an honest head: a chain may jump, and it may be the others that hang behind. But an honest endpoint has the blocks below it.
 */

/** Blocks that a head may be above all that is known before one of them is asked for. */
export const mostAhead = 128n;
/** So far below it: of several nodes behind one address, the last one has that block by then. */
const settledBlocks = 64n;

/**
 * The block that an endpoint has to show before its head is believed; `undefined`: it is believed as it is.
 * @param known The newest block that others told of, or that this one has shown. Its own word does not count: small steps lead far.
 */
export const blockToShow = (head: bigint, known: bigint): bigint | undefined =>
  head - known > mostAhead ? head - settledBlocks : undefined;

/** The newest block that these answers tell of by a tag, such as `latest` or `finalized`; `undefined`: they tell of none. */
export const newestIn = (calls: readonly RpcCall[], answers: readonly RpcAnswer[]): bigint | undefined =>
  calls
    .flatMap((call, index) => toldBy(call, answers[index] as RpcAnswer) ?? [])
    .reduce<bigint | undefined>((newest, each) => (newest === undefined || each > newest ? each : newest), undefined);

function toldBy({ method, params }: RpcCall, answer: RpcAnswer): bigint | undefined {
  if ("error" in answer) return undefined;
  if (method === "eth_blockNumber") return quantity(answer.result);
  if (method !== "eth_getBlockByNumber" || quantity(params[0]) !== undefined) return undefined;
  return numberOf(answer.result);
}

/** Whether this is the block of that number. */
export const isBlock = (answer: RpcAnswer | undefined, number: bigint): boolean =>
  answer !== undefined && "result" in answer && numberOf(answer.result) === number;

const numberOf = (block: unknown): bigint | undefined => quantity((block as { number?: unknown } | null)?.number);

type UnshownHead = {
  readonly head: bigint;
  /** The block that was asked for. */
  readonly asked: bigint;
  /** As in `blockToShow`. */
  readonly known: bigint;
};

export const headNotShown = (name: string, { head, asked, known }: UnshownHead): EndpointError =>
  new EndpointError(
    `the endpoint ${name} says that its head is block ${head}, ${head - known} above all that is known, and does not have block ${asked}`,
    {
      code: "HEAD_NOT_SHOWN",
      remedy: "if it stays, take it out of rpc.http; the daemon goes on with the others, and asks it again",
    },
  );
