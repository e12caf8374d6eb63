import { isRateLimit } from "./endpoints/answerShapes.ts";
import { accountRefused, type EndpointFault, faultOfOpening, unanswered } from "./endpoints/endpointError.ts";
import { accountFault } from "./endpoints/refusals.ts";
import { answerTooLong, bodyOf, type Exchange, type ExchangeOptions, longestAnswer } from "./exchange.ts";
import { toRpcError } from "./jsonRpc.ts";
import { openWebSocket } from "./openWebSocket.ts";
import {
  type Answer,
  createUnderWayList,
  namelessRefusal,
  type Refusal,
  type UnderWay,
  widestBatch,
} from "./underWay.ts";

export type RequestSocketOptions = ExchangeOptions & {
  /** A longer message ends the connection: characters. @default 8388608 */
  readonly maxMessageLength?: number | undefined;
};

export type RequestSocket = {
  readonly ask: Exchange;
  readonly isUsable: () => boolean;
  /** Ends it; what is under way fails. */
  readonly close: () => void;
};

/** The code of a server that closes because of a message's length. */
const messageTooBig = 1009;

/**
 * One WebSocket for requests: many may be under way, and their ids tell whose an answer is. When it ends, whatever is under
 * way fails at once. It keeps the process alive only while something is.
 */
export function openRequestSocket(options: RequestSocketOptions): RequestSocket {
  const { url, name, timeoutMs, maxMessageLength = longestAnswer } = options;
  const { socket, terminate, refusal, unref } = openWebSocket(url);
  const underWay = createUnderWayList();
  let unsent: string[] = [];
  let heard = 0;
  let isOver = false;
  /** On a request that may still be answered, so that a word without an id may be about it. */
  let hasGivenUp = false;

  const leave = (each: UnderWay) => {
    clearTimeout(each.timer);
    underWay.remove(each);
  };
  const settle = (each: UnderWay, answer: unknown) => {
    leave(each);
    each.resolve(answer);
  };
  const fail = (each: UnderWay, why: string, fault?: EndpointFault) => {
    leave(each);
    each.reject(unanswered(name, why, fault));
  };
  const heardSince = ({ heardBefore }: UnderWay) => heard > heardBefore;

  const end = (why: string, faultOf: (each: UnderWay) => EndpointFault = () => ({})) => {
    if (isOver) return;
    isOver = true;
    terminate();
    for (const each of underWay.all) fail(each, why, faultOf(each));
  };
  const closed = (why: string, tooLarge?: UnderWay) =>
    end(why, (each) => (each === tooLarge ? { status: 413 } : { wasStale: heard > 0 && !heardSince(each) }));
  /** Whose it was is in what was not read. Any request for logs may be it; else it is likeliest a batch's, the widest. */
  const tooLong = (length: number) => {
    const widest = widestBatch(underWay.all);
    end(`an answer of ${length} characters is too large`, (each) =>
      each === widest || each.requests.some(({ method }) => method === "eth_getLogs") ? answerTooLong : {},
    );
  };
  const timedOut = (each: UnderWay) => {
    fail(each, `no answer within ${timeoutMs} ms`);
    hasGivenUp = true;
    // Where others are answered, only this one takes too long.
    if (!heardSince(each)) end("its WebSocket hung, and was ended");
  };

  /** A wrong guess at whose it is would be a node's word on a payment that it never gave. */
  const refused = (word: Refusal) => {
    const [first, another] = underWay.all;
    if (!first) return;
    if (!another && !hasGivenUp) return settle(first, word);
    const cause = toRpcError(word.error);
    if (isRateLimit(cause)) return end("it is asked too often", () => ({ status: 429, cause }));
    if (accountFault(cause)) return end("it refuses its key or its plan", () => ({ ...accountRefused, cause }));
    const why = `it refused one of ${underWay.all.size} requests, and did not say which`;
    const batch = widestBatch(underWay.all);
    if (!batch) return end(why, () => ({ cause }));
    // As an HTTP server says that a body is too large: it is asked again in halves, which does no harm.
    hasGivenUp = true;
    fail(batch, why, { status: 413, cause });
  };
  const receive = (message: unknown) => {
    const answers = (Array.isArray(message) ? message : [message]) as readonly Answer[];
    const owner = underWay.ownerOf(answers);
    if (owner) return settle(owner, message);
    const word = namelessRefusal(answers);
    if (word) refused(word);
  };

  socket.onopen = () => {
    // The timer of a request keeps the process alive as long as it is under way.
    unref();
    for (const body of unsent) socket.send(body);
    unsent = [];
  };
  socket.onmessage = ({ data }) => {
    heard += 1;
    const text = String(data);
    if (text.length > maxMessageLength) return tooLong(text.length);
    try {
      receive(JSON.parse(text));
    } catch {
      // An exception in here would end the process.
      end("a message is not JSON, or not what it should be");
    }
  };
  socket.onerror = () => {
    const why = refusal();
    if (why === "HTTP 429") return end(why, () => ({ status: 429 }));
    const fault = faultOfOpening(why);
    if (why !== undefined && fault.code) return end(why, () => fault);
    closed(why ?? "its WebSocket cannot be opened, or broke");
  };
  socket.onclose = ({ code, reason }) => {
    const why = `its WebSocket closed (${code})`;
    const cause = toRpcError({ code, message: reason });
    if (isRateLimit(cause)) return end(why, () => ({ status: 429, cause }));
    if (accountFault(cause)) return end(why, () => ({ ...accountRefused, cause }));
    closed(why, code === messageTooBig ? widestBatch(underWay.all) : undefined);
  };

  return {
    ask: (requests) => {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      const timer = setTimeout(() => timedOut(each), timeoutMs);
      const each: UnderWay = { requests, heardBefore: heard, timer, resolve, reject };
      underWay.add(each);
      const body = bodyOf(requests);
      if (socket.readyState === WebSocket.CONNECTING) unsent.push(body);
      else socket.send(body);
      return promise;
    },
    isUsable: () => !isOver && socket.readyState <= WebSocket.OPEN,
    close: () => closed("its WebSocket closed"),
  };
}
