import { unanswered } from "./endpoints/endpointError.ts";
import { splitCredentials } from "./endpoints/splitCredentials.ts";
import { answerTooLong, bodyOf, type Exchange, type ExchangeOptions } from "./exchange.ts";
import { type HttpAnswer, openHttpPost, TimeoutError, TooLongError } from "./httpPost.ts";

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
    // Whatever the body of a 429 says: the header is what counts.
    if (status === 429) throw unanswered(name, `HTTP ${status}`, { status, retryAfter });
    try {
      const answer: unknown = JSON.parse(text);
      if (isOk || isRpcBody(answer)) return answer;
    } catch {
      if (isOk) throw unanswered(name, "its answer is not JSON, or was cut off");
    }
    throw unanswered(name, `HTTP ${status}`, { status, retryAfter });
  };
}

const isRpcBody = (answer: unknown): boolean => {
  const first = Array.isArray(answer) ? answer[0] : answer;
  return typeof first === "object" && first !== null && ("result" in first || "error" in first) && "id" in first;
};

function networkReason(cause: unknown): string {
  if (cause instanceof TimeoutError || cause instanceof TooLongError) return cause.message;
  return (cause as NodeJS.ErrnoException).code ?? "the connection failed";
}
