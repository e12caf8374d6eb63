import { startDeadline } from "../deadline.ts";
import { type Failure, failed } from "../failure.ts";
import { type Answer, type AskDeps, askGateway } from "./askGateway.ts";
import { isVerifiable } from "./cid.ts";
import type { Gateway } from "./gateway.ts";
import type { IpfsReference } from "./reference.ts";

export type GatewayMode = "order" | "race";

type AskAllDeps = AskDeps & {
  readonly mode: GatewayMode;
  /** Milliseconds, of the clock that the deadline goes by. */
  readonly now: () => number;
  /** When `signal` aborts. */
  readonly endsAt: number;
};

/**
 * Asks gateways one after the other, each with its share of the time that is left, or all at once. The first answer that
 * is proven counts; one that is only not disproven counts where no gateway has better.
 *
 * @param gateways At least one.
 */
export async function askGateways(
  gateways: readonly Gateway[],
  reference: IpfsReference,
  deps: AskAllDeps,
): Promise<Answer> {
  const answers: Answer[] = [];
  const isEnough = (answer: Answer) =>
    answer.ok ? answer.verified || !isVerifiable(reference.cid) : answer.proven === true;
  const ask = async (gateway: Gateway, ms: number, signal: AbortSignal): Promise<Answer | undefined> => {
    const deadline = startDeadline(ms, failed("the gateway did not answer in time", true), signal);
    const answer = await askGateway(gateway, reference, { ...deps, signal: deadline.signal });
    deadline.end();
    answers.push(answer);
    return isEnough(answer) ? answer : undefined;
  };
  const found =
    deps.mode === "race" ? await raceAll(gateways, ask, deps.signal) : await askInOrder(gateways, ask, deps);
  return found ?? answers.find(({ ok }) => ok) ?? bestFailure(answers.filter((answer) => !answer.ok));
}

type AskOne = (gateway: Gateway, ms: number, signal: AbortSignal) => Promise<Answer | undefined>;

async function askInOrder(gateways: readonly Gateway[], ask: AskOne, { now, endsAt, signal }: AskAllDeps) {
  for (const [index, gateway] of gateways.entries()) {
    if (signal.aborted) return undefined;
    const answer = await ask(gateway, (endsAt - now()) / (gateways.length - index), signal);
    if (answer) return answer;
  }
  return undefined;
}

async function raceAll(gateways: readonly Gateway[], ask: AskOne, parent: AbortSignal): Promise<Answer | undefined> {
  const won = new AbortController();
  const signal = AbortSignal.any([parent, won.signal]);
  try {
    const runs = gateways.map(async (gateway) => {
      const answer = await ask(gateway, 2 ** 31 - 1, signal);
      if (!answer) throw new Error("not enough");
      return answer;
    });
    return await Promise.any(runs).catch(() => undefined);
  } finally {
    won.abort();
  }
}

/** One that may pass says more than one that does not: another gateway may have been down. */
const bestFailure = (failures: readonly Failure[]): Failure =>
  failures.find(({ transient }) => transient) ?? failures[0] ?? failed("no IPFS gateway is configured");
