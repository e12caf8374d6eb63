import type { Clock } from "../../clock.ts";
import type { RpcAnswer, RpcCall } from "../jsonRpc.ts";

/** What one endpoint does not do: learnt from refusals, and forgotten after a while. */
type MissingMethods = {
  /** Whether any of these is known to be refused. */
  readonly includes: (calls: readonly RpcCall[]) => boolean;
  /** @returns whether that is news. */
  readonly refused: (method: string) => boolean;
  readonly answered: (calls: readonly RpcCall[], answers: readonly RpcAnswer[]) => void;
  /** It refuses whatever it is asked: what it refused lately says nothing. */
  readonly forget: () => void;
};

const forgottenAfterMs = 10 * 60_000;

export function createMissingMethods(clock: Clock): MissingMethods {
  /** Until when it is not asked where another endpoint may answer; those that are over were told of already. */
  const until = new Map<string, number>();
  return {
    includes: (calls) =>
      until.size > 0 && calls.some(({ method }) => (until.get(method) ?? Number.NEGATIVE_INFINITY) > clock.now()),
    refused: (method) => {
      const isNews = !until.has(method);
      until.set(method, clock.now() + forgottenAfterMs);
      return isNews;
    },
    answered: (calls, answers) => {
      if (until.size === 0) return;
      for (const [index, { method }] of calls.entries()) {
        const answer = answers[index];
        // What is not there may be missing everywhere, or be what it was passed over for.
        if (answer && "result" in answer && answer.result !== null) until.delete(method);
      }
    },
    forget: () => {
      for (const method of until.keys()) until.set(method, Number.NEGATIVE_INFINITY);
    },
  };
}
