import { type RpcAnswer, type RpcCall, type RpcError, sendMethod } from "../jsonRpc.ts";
import { saysBehind } from "./answerShapes.ts";
import { accountFault, refusalKind } from "./refusals.ts";

/** What an endpoint refuses for reasons of its own. */
type RefusedCalls = {
  /** It refuses whoever asks. */
  readonly account: { readonly fault: "key" | "quota"; readonly error: RpcError } | undefined;
  /** Methods that it does not do, with its words. */
  readonly methods: ReadonlyMap<string, RpcError>;
  /** Every call was refused for reasons of its own: nothing is said of the request as such. */
  readonly isAll: boolean;
};

/**
 * Sorts out what was refused in one request; `undefined` where nothing was, which costs next to nothing.
 *
 * Where anything else is answered, or is refused as any endpoint would, the account is good: then a word on it is on that call
 * alone. Of transactions one such word is enough: what is sent once more elsewhere is the same bytes.
 */
export function refusedCalls(calls: readonly RpcCall[], answers: readonly RpcAnswer[]): RefusedCalls | undefined {
  if (!answers.some((answer) => "error" in answer)) return undefined;
  const methods = new Map<string, RpcError>();
  let ofAccount: RpcError | undefined;
  let isAll = true;
  let isServed = false;
  for (const [index, answer] of answers.entries()) {
    const call = calls[index] as RpcCall;
    const kind = "error" in answer ? refusalKind(call, answer.error) : "call";
    if (!("error" in answer) || kind === "call") isAll = false;
    else if (kind === "account") ofAccount ??= answer.error;
    else if (kind === "method" && !methods.has(call.method)) methods.set(call.method, answer.error);
    // Many a gateway tells its chain to anybody.
    isServed ||= (kind === "call" || kind === "here") && call.method !== "eth_chainId";
  }
  const isRefused = ofAccount !== undefined && (!isServed || calls[0]?.method === sendMethod);
  const account =
    isRefused && ofAccount ? { fault: accountFault(ofAccount) ?? ("key" as const), error: ofAccount } : undefined;
  return { account, methods, isAll };
}

/** Not every node knows the tags of what is final; some call them a mistake, and some a block that they do not have. */
const lacksTag = ({ method, params: [block] }: RpcCall, answer: RpcAnswer): boolean =>
  method === "eth_getBlockByNumber" &&
  (block === "safe" || block === "finalized") &&
  ("error" in answer || answer.result === null);

const ofNodeAlone = /^eth_(blockNumber|getBlockBy|getTransaction|getBalance)/;

/** No contract has a say in it, and it was asked as it should be: a node that refuses it has a reason of its own, whatever its words. */
const failsByItself = ({ method }: RpcCall, error: RpcError): boolean =>
  ofNodeAlone.test(method) && error.rpcCode !== -32602 && !saysBehind(error);

/**
 * What another endpoint may answer of that which this one refused. Transactions must all be refused: of those that it took a
 * second word is worth less.
 */
export function answeredElsewhere(calls: readonly RpcCall[], answers: readonly RpcAnswer[]): readonly RpcCall[] {
  const refused = calls.filter((call, index) => {
    const answer = answers[index] as RpcAnswer;
    if (lacksTag(call, answer)) return true;
    return "error" in answer && (refusalKind(call, answer.error) !== "call" || failsByItself(call, answer.error));
  });
  return calls[0]?.method === sendMethod && refused.length < calls.length ? [] : refused;
}
