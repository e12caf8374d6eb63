import type { AccountAddress, Hex } from "../protocol/brand.ts";
import type { HttpRpc, RpcAnswer, RpcCall, RpcError } from "./jsonRpc.ts";

/** A call that is made as some account, and changes nothing. */
export type TriedCall = {
  readonly to: Hex;
  readonly data: Hex;
  /** Gas units; `undefined`: as much as there is. */
  readonly gas?: bigint | undefined;
};

export type TriedAnswer = { readonly ok: boolean; readonly data: Hex };

/** The code of `CallsFrom.sol`, for machines as old as London. */
const code: Hex =
  "0x6080604052348015600f57600080fd5b506000805b36821015607257813563ffffffff8160401c1680602f575a90505b61ffff8260301c1680601a86018537601a818601019450600080828660008760601c87f184535050503d60e01b60018201523d6000600583013e3d016005016014565b806000f3";

/**
 * Many calls as one: the account's code is, for this one question, a loop that makes the calls; so the account is who
 * calls, and a node that would set up its machine a hundred times does so once. A call sees what the ones before it did.
 *
 * @param block Hex quantity or tag.
 */
export const callsFrom = (from: AccountAddress, calls: readonly TriedCall[], block: Hex): RpcCall => ({
  method: "eth_call",
  params: [{ to: from, data: encodeCalls(calls) }, block, { [from]: { code } }],
});

/**
 * What each call came to; `undefined` where the node does not do this: it has answered for an account without code, or
 * refused, which `refusal` tells then.
 * @param others Asked in the same request; `rest` are their answers.
 * @throws RetryableError if it does not answer.
 */
export async function tryCalls(
  rpc: HttpRpc,
  { from, calls, block }: { readonly from: AccountAddress; readonly calls: readonly TriedCall[]; readonly block: Hex },
  others: readonly RpcCall[] = [],
): Promise<{
  readonly answers: readonly TriedAnswer[] | undefined;
  readonly refusal?: RpcError;
  readonly rest: readonly RpcAnswer[];
}> {
  const [answer, ...rest] = await rpc.batch([callsFrom(from, calls, block), ...others]);
  if (answer === undefined) return { answers: undefined, rest };
  if ("error" in answer) return { answers: undefined, refusal: answer.error, rest };
  return { answers: decodeAnswers(answer.result, calls.length), rest };
}

const word = (value: number | bigint, bytes: number): string => value.toString(16).padStart(2 * bytes, "0");
const mostGas = 0xffffffffn;

function encodeCalls(calls: readonly TriedCall[]): Hex {
  const parts = calls.map(({ to, data, gas = 0n }) => {
    const length = (data.length - 2) / 2;
    if (length > 0xffff) throw new RangeError("the call is longer than 65535 bytes");
    return `${to.slice(2)}${word(gas < mostGas ? gas : mostGas, 4)}${word(length, 2)}${data.slice(2)}`;
  });
  return `0x${parts.join("")}`;
}

function decodeAnswers(result: unknown, count: number): readonly TriedAnswer[] | undefined {
  if (typeof result !== "string") return undefined;
  const answers: TriedAnswer[] = [];
  let at = 2;
  while (at < result.length && answers.length < count) {
    const end = at + 10 + 2 * Number.parseInt(result.slice(at + 2, at + 10), 16);
    if (!(end <= result.length)) return undefined;
    answers.push({ ok: result.slice(at, at + 2) === "01", data: `0x${result.slice(at + 10, end)}` });
    at = end;
  }
  return answers.length === count && at === result.length ? answers : undefined;
}
