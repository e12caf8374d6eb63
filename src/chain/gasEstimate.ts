import { quantity } from "./endpoints/answerShapes.ts";
import { unanswered } from "./endpoints/endpointError.ts";

/** Gas units. A confirmation writes to several contracts; a call to an account without code comes to less than this. */
const least = 30_000n;
/** What any transaction takes. */
const leastOfAny = 21_000n;
/** No transaction may have more (EIP-7825): it would be refused for good, or wait for money that no key has. */
export const mostGas = 1n << 24n;

/**
 * What a node estimates for a confirmation; the highest one is gone by for a while.
 * @throws EndpointError where no confirmation can take that.
 */
export const gasEstimate = (endpoint: string, answer: unknown): bigint =>
  within(endpoint, answer, { least, what: "confirmation" });

/** The same for any call. @throws EndpointError where no transaction can take that. */
export const anyGasEstimate = (endpoint: string, answer: unknown): bigint =>
  within(endpoint, answer, { least: leastOfAny, what: "transaction" });

function within(
  endpoint: string,
  answer: unknown,
  of: { readonly least: bigint; readonly what: "confirmation" | "transaction" },
): bigint {
  const gas = quantity(answer);
  if (gas === undefined) throw unanswered(endpoint, "its estimate of gas is no number");
  if (gas < of.least || gas > mostGas) throw unanswered(endpoint, `it estimates ${gas} gas, which no ${of.what} takes`);
  return gas;
}
