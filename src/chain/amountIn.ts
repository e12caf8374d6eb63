import { quantity } from "./endpoints/answerShapes.ts";
import { unanswered } from "./endpoints/endpointError.ts";
import type { HttpRpc } from "./jsonRpc.ts";

/** An amount as a node tells it. @param what It is of, such as `gas price`. @throws EndpointError */
export function amountIn({ name }: Pick<HttpRpc, "name">, what: string, answer: unknown): bigint {
  const amount = quantity(answer);
  if (amount === undefined) throw unanswered(name, `its ${what} is no number`);
  return amount;
}
