import type { Output } from "../../payload/payloadPort.ts";
import { type AccountAddress, toAddress, unixSeconds, wei } from "../../protocol/brand.ts";
import { DeliveryMethod, ResponseStatus, SourceStatus, TaskStatus } from "../../protocol/statuses.ts";
import type { FactsJson } from "../factsJson.ts";
import type { Candidate, CandidateResponse } from "../policyPort.ts";

/**
 * A task as its recorded facts tell it: open, with its responses not yet decided.
 *
 * @param facts Of one task, one for each response; at least one.
 * @throws TypeError where a fact is not what it should be, or was not kept.
 */
export function candidateOf(facts: readonly FactsJson[]): Candidate {
  const [first] = facts;
  if (first === undefined) throw new TypeError("no facts");
  const { now, task, source } = first;
  const method = DeliveryMethod[task.deliveryMethod as keyof typeof DeliveryMethod] ?? 0;
  return {
    now: unixSeconds(now),
    task: {
      address: toAddress(task.address),
      source: toAddress(task.source),
      config: "",
      payment: wei(BigInt(task.payment)),
      expiryTime: unixSeconds(task.expiryTime),
      deliveryMethod: method,
      status: TaskStatus.RESPONDED,
    },
    source: {
      address: toAddress(source.address),
      client: toAddress(source.client),
      status: SourceStatus[source.status as keyof typeof SourceStatus] ?? SourceStatus.ACTIVE,
      deliveryMethod: method,
      minPayment: wei(BigInt(source.minPayment)),
      minAvailableLockup: wei(0n),
      maxExpiryDuration: 0,
    },
    config: outputOf({ json: task.config ?? { function_name: task.function } }),
    responses: facts.map(responseOf),
  };
}

function responseOf({ task, response, output, provider }: FactsJson): CandidateResponse {
  const { lockup, eligible, master, seen, approved, rejected, price } = provider ?? {};
  return {
    response: {
      address: toAddress(response.address),
      task: toAddress(task.address),
      provider: toAddress(response.provider),
      data: "",
      payment: wei(BigInt(response.payment)),
      status: ResponseStatus.SUBMITTED,
      submittedAt: unixSeconds(response.submittedAt),
    },
    output: outputOf(output),
    waits: 0,
    provider: {
      ...(lockup !== undefined && { lockup: wei(BigInt(lockup)) }),
      ...(eligible !== undefined && { eligible }),
      ...(master !== undefined && { master: toAddress<AccountAddress>(master) }),
      ...(seen !== undefined && { seen }),
      ...(approved !== undefined && { approved }),
      ...(rejected !== undefined && { rejected }),
      ...(price !== undefined && { price: wei(BigInt(price)) }),
    },
  };
}

/** An output with what is known of it; what is not known is as in an answer that came. */
export const outputOf = (known: Partial<Output>): Output => {
  const text = known.text || JSON.stringify(known.json ?? null);
  return {
    valid: true,
    json: null,
    bytes: Buffer.byteLength(text),
    cidVerified: false,
    error: "",
    transient: false,
    digest: "",
    ...known,
    text,
  };
};
