import type { Confirmation, Journal } from "../../src/journal/journal.ts";
import { type ResponseAddress, type TaskAddress, wei } from "../../src/protocol/brand.ts";
import { hashOf, source } from "./fakeChain.ts";

type Meant = { readonly task: TaskAddress; readonly response: ResponseAddress; readonly payment: bigint };

/** Has the journal approve a payment, by a policy `p`. */
export async function intend(journal: Journal, { task, response, payment }: Meant): Promise<Confirmation> {
  await journal.intake({ tasks: [{ task, source }], responses: [{ task, response }], touched: [] });
  const verdict = { kind: "confirm", reason: "", until: undefined, policy: "p", policyDigest: "d" } as const;
  const facts = { payloadDigest: "", responseDigest: "r", payment: wei(payment), mode: "enforce" } as const;
  const block = { number: 1n, hash: hashOf(1) };
  const made = await journal.decide([{ ...verdict, ...facts, task, response, block }], 0);
  if (!made) throw new Error("no intent");
  return made;
}
