import { formatGwei } from "viem";
import type { Fees } from "../../chain/chainPort.ts";
import type { AccountAddress } from "../../protocol/brand.ts";
import { feeCap } from "../../sink/fees.ts";
import type { ClientContext } from "../context.ts";
import { readAddress } from "../inputs.ts";
import type { InFlight } from "../lane/createLane.ts";
import { signerOf } from "../signerOf.ts";
import type { Address, WriteOptions } from "../types.ts";
import { type CallDescription, describeCall } from "./describeCall.ts";
import { idleSince } from "./idleSince.ts";
import { poolTransactions } from "./poolTransactions.ts";
import { signedBytes } from "./signedBytes.ts";

/** A nonce that is not mined. */
export type WaitingNonce = CallDescription & {
  readonly nonce: number;
  /** `undefined`: nothing waits in the node's pool, and so nothing behind it can be mined. */
  readonly hash: `0x${string}` | undefined;
  readonly fees: Fees | undefined;
  /** Gas units. */
  readonly gas: bigint;
  /** Its signed bytes; `undefined` where what the node shows of it does not come to its hash. */
  readonly raw: `0x${string}` | undefined;
  /**
   * `underpriced`: it offers less than the chain asks. `gap`: nothing waits in it; where this client has signed something in it
   * (`since`), the pool has dropped that. `behind`: it can be mined once those before it are. `next`: it is due.
   */
  readonly state: "underpriced" | "gap" | "behind" | "next";
  /** Milliseconds since 1970 when this client signed it; `undefined`: it did not. */
  readonly since: number | undefined;
};

export type NonceInfo = {
  readonly address: Address;
  /** Transactions that are mined, and so the nonce of the next one. */
  readonly minedNonce: number;
  /** With those that the node counts as pending. */
  readonly pendingNonce: number;
  /** The nonce after the highest that this client signed; `undefined`: none. */
  readonly cachedNonce: number | undefined;
  readonly hasPending: boolean;
  readonly pendingCount: number;
  /** What waits, by nonce; `undefined` where the node does not let its pool be read. */
  readonly waiting: readonly WaitingNonce[] | undefined;
  /** Wei per gas that the chain asks at the least. */
  readonly baseFee: bigint | undefined;
  /** Since when nothing of this account was mined, unix seconds; `undefined`: unknown. */
  readonly idleSince: number | undefined;
  /** What it means, in a sentence. */
  readonly explanation: string;
};

export type NonceOptions = Pick<WriteOptions, "signer"> & {
  /** @default the signer's */
  readonly address?: string;
};

/**
 * Where an account's transactions stand: what is mined, what waits, and what holds it up.
 *
 * @throws InputError `ADDRESS_INVALID`, or `SIGNER_MISSING` where neither an address nor a signer is given;
 *   RetryableError if the endpoint does not answer.
 * @example
 * const { pendingCount, explanation } = await client.getNonceInfo();
 */
export async function getNonceInfo(context: ClientContext, options: NonceOptions = {}): Promise<NonceInfo> {
  const address =
    options.address === undefined
      ? readAddress("the signer", signerOf(context, options).address)
      : readAddress("the account", options.address);
  const { chain, rpc } = context;
  const account = address.toLowerCase() as AccountAddress;
  const [mined, pending, head, pool] = await Promise.all([
    chain.minedNonce(account),
    chain.pendingNonce(account),
    chain.head(),
    poolTransactions(rpc, account),
  ]);
  const lane = context.lanes().find((each) => each.address === address);
  const own = new Map(lane?.inFlight().map((each) => [each.nonce, each]));
  const waiting =
    pool && waitingNonces(mined, pool, head.baseFeePerGas, (each) => describeCall(each, context.contracts), own);
  const last = waiting?.at(-1)?.nonce;
  const pendingNonce = Math.max(pending, mined);
  const count = waiting ? waiting.filter(isSigned).length : pendingNonce - mined;
  const since = count > 0 ? await idleSince(chain, account, mined) : undefined;
  return {
    address,
    minedNonce: mined,
    pendingNonce: last === undefined ? pendingNonce : Math.max(pendingNonce, last + 1),
    cachedNonce: lane?.cached(),
    hasPending: count > 0,
    pendingCount: count,
    waiting,
    baseFee: head.baseFeePerGas,
    idleSince: since && Number(since.timestamp),
    explanation: explain(count, waiting, head.baseFeePerGas),
  };
}

/** By this client, where no pool holds it. */
const isSigned = ({ hash, since }: WaitingNonce): boolean => hash !== undefined || since !== undefined;

type Pool = NonNullable<Awaited<ReturnType<typeof poolTransactions>>>;

function waitingNonces(
  mined: number,
  pool: Pool,
  baseFee: bigint | undefined,
  describe: (transaction: Pool[number]) => CallDescription,
  own: ReadonlyMap<number, InFlight>,
): readonly WaitingNonce[] {
  const open = pool.filter(({ nonce }) => nonce >= mined);
  const last = Math.max(open.at(-1)?.nonce ?? mined - 1, ...own.keys());
  const found: WaitingNonce[] = [];
  for (let nonce = mined; nonce <= last && found.length < mostShown; nonce++) {
    const transaction = open.find((each) => each.nonce === nonce);
    const { since, what } = own.get(nonce) ?? {};
    if (!transaction) {
      found.push({ nonce, ...empty, since, ...(what && { what }) });
      continue;
    }
    const { hash, fees, gas, wire } = transaction;
    const isUnder = baseFee !== undefined && feeCap(fees) < baseFee;
    const state = isUnder ? "underpriced" : nonce === mined ? "next" : "behind";
    found.push({ nonce, hash, fees, gas, raw: signedBytes(wire), state, since, ...describe(transaction) });
  }
  return found;
}

const empty = { hash: undefined, fees: undefined, gas: 0n, raw: undefined, what: "nothing", state: "gap" } as const;

/** A gap after a nonce from another world would fill the screen. */
const mostShown = 1_000;

function explain(count: number, waiting: NonceInfo["waiting"], baseFee: bigint | undefined): string {
  if (count === 0) return "nothing waits: the next transaction takes the next nonce";
  if (waiting === undefined) {
    return `${transactions(count)} not mined yet; this node does not let its pool be read, so nothing more can be told`;
  }
  const stuck = waiting.filter(({ state }) => state === "underpriced" || state === "gap");
  const [first] = stuck;
  if (first === undefined)
    return `${transactions(count)} not mined yet, and each offers enough: the next blocks should take them`;
  const behind = waiting.filter(({ nonce, state }) => nonce > first.nonce && state === "behind").length;
  const rest = behind === 0 ? "" : `; ${behind} behind it cannot be mined before it`;
  const more = stuck.length > 1 ? `; ${stuck.length - 1} more ${stuck.length > 2 ? "are" : "is"} stuck` : "";
  if (first.state === "gap" && first.since !== undefined)
    return `the node's pool has dropped ${first.what} in nonce ${first.nonce}, which must be mined first${rest}${more}: \`nonce fix\` sends it again`;
  if (first.state === "gap" || first.fees === undefined)
    return `nothing waits in nonce ${first.nonce}, which must be mined first${rest}${more}: \`nonce fix\` fills it`;
  const offers = `offers ${formatGwei(feeCap(first.fees))} gwei, and the chain asks ${formatGwei(baseFee ?? 0n)} gwei`;
  return `nonce ${first.nonce} is stuck: it ${offers}${rest}${more}: \`nonce fix\` replaces it`;
}

const transactions = (count: number): string => (count === 1 ? "1 transaction is" : `${count} transactions are`);
