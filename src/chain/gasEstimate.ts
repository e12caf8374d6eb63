import { quantity } from "./endpoints/answerShapes.ts";
import { unanswered } from "./endpoints/endpointError.ts";

/** Gas units. A confirmation writes to several contracts; a call to an account without code comes to less than this. */
const least = 30_000n;
/** No transaction may have more (EIP-7825): it would be refused for good, or wait for money that no key has. */
const most = 1n << 24n;

/**
 * What a node estimates for a confirmation; the highest one is gone by for a while.
 * @throws EndpointError where no confirmation can take that.
 */
export function gasEstimate(endpoint: string, answer: unknown): bigint {
  const gas = quantity(answer);
  if (gas === undefined) throw unanswered(endpoint, "its estimate of gas is no number");
  if (gas < least || gas > most) throw unanswered(endpoint, `it estimates ${gas} gas, which no confirmation takes`);
  return gas;
}
