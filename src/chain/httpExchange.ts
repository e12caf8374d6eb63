import { faultOfStatus, unanswered } from "./endpoints/endpointError.ts";
import { accountFault } from "./endpoints/refusals.ts";
import { splitCredentials } from "./endpoints/splitCredentials.ts";
import { answerTooLong, bodyOf, type Exchange, type ExchangeOptions } from "./exchange.ts";
import { type HttpAnswer, openHttpPost, TimeoutError, TooLongError } from "./httpPost.ts";
import { toRpcError, type WireError } from "./jsonRpc.ts";

/** Each exchange is one HTTP request. */
export function httpExchange({ url, name, timeoutMs }: ExchangeOptions): Exchange {
  const { address, authorization } = splitCredentials(url);
  const headers = { "content-type": "application/json", ...(authorization && { authorization }) };
  const send = openHttpPost({ url: address, headers, timeoutMs });

  return async (requests) => {
    let response: HttpAnswer;
    try {
      response = await send(bodyOf(requests));
    } catch (cause) {
      throw unanswered(name, networkReason(cause), cause instanceof TooLongError ? answerTooLong : {});
    }
    const { status, retryAfter, text } = response;
    const isOk = status >= 200 && status < 300;
    const fault = { status, retryAfter, ...faultOfStatus(status) };
    try {
      const answer: unknown = JSON.parse(text);
      // Whatever the body of a 429 says, the header is what counts; but a quota that is used up is not over in a moment.
      if (isOk || (isRpcBody(answer) && (status !== 429 || isOfAccount(answer)))) return withStatus(answer, status);
    } catch {
      if (isOk) throw unanswered(name, "its answer is not JSON, or was cut off");
    }
    throw unanswered(name, `HTTP ${status}`, fault);
  };
}

const isRpcBody = (answer: unknown): boolean => {
  const first = Array.isArray(answer) ? answer[0] : answer;
  return typeof first === "object" && first !== null && ("result" in first || "error" in first) && "id" in first;
};

type Refused = { readonly error?: WireError | string };

const isOfAccount = (answer: unknown): boolean => {
  const [first] = [answer].flat() as readonly Refused[];
  return first?.error !== undefined && accountFault(toRpcError(first.error)) !== undefined;
};

/** A status that can be about nothing but whoever asks takes the place of the code: that one may say anything. */
function withStatus(answer: unknown, status: number): unknown {
  if (status !== 401 && status !== 402) return answer;
  const told = (each: Refused | null): unknown =>
    typeof each?.error === "object" ? { ...each, error: { ...each.error, code: status } } : each;
  return Array.isArray(answer) ? answer.map(told) : told(answer as Refused);
}

function networkReason(cause: unknown): string {
  if (cause instanceof TimeoutError || cause instanceof TooLongError) return cause.message;
  return (cause as NodeJS.ErrnoException).code ?? "the connection failed";
}
