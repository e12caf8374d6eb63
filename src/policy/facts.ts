import { addressValue } from "./addressType.ts";
import type { FactsJson, ResponseJson } from "./factsJson.ts";
import { SiblingValue } from "./siblingValue.ts";
import { weiValue } from "./weiType.ts";

/** What an expression is evaluated on. */
export type Facts = Readonly<Record<string, unknown>>;

/** Turns facts in JSON into the engine's values. @throws TypeError where one is not what its type says. */
export function toFacts({ now, task, source, response, output, provider, siblings, signals }: FactsJson): Facts {
  return {
    now: BigInt(now),
    response: toResponse(response),
    task: {
      address: addressValue(task.address),
      source: addressValue(task.source),
      payment: weiOf(task.payment),
      expiryTime: BigInt(task.expiryTime),
      expiry: BigInt(task.expiryTime),
      deliveryMethod: task.deliveryMethod,
      function: task.function,
      config: toFact(task.config),
    },
    source: {
      address: addressValue(source.address),
      client: addressValue(source.client),
      minPayment: weiOf(source.minPayment),
      status: source.status,
    },
    output: { ...output, bytes: BigInt(output.bytes), json: toFact(output.json) },
    ...(provider && { provider: toProvider(provider) }),
    ...(siblings && {
      siblings: siblings.map((each) => new SiblingValue({ ...toResponse(each), digest: each.digest })),
    }),
    ...(signals && { signals: toFact(signals) }),
  };
}

const toResponse = ({ address, provider, payment, submittedAt }: ResponseJson) => ({
  address: addressValue(address),
  provider: addressValue(provider),
  payment: weiOf(payment),
  submittedAt: BigInt(submittedAt),
});

function toProvider(provider: NonNullable<FactsJson["provider"]>): Facts {
  const { address, lockup, eligible, master, seen, approved, rejected, price } = provider;
  return {
    address: addressValue(address),
    ...(lockup !== undefined && { lockup: weiOf(lockup) }),
    ...(eligible !== undefined && { eligible }),
    ...(master !== undefined && { master: addressValue(master) }),
    ...(seen !== undefined && { seen: BigInt(seen) }),
    ...(approved !== undefined && { approved: BigInt(approved) }),
    ...(rejected !== undefined && { rejected: BigInt(rejected) }),
    ...(price !== undefined && { price: weiOf(price) }),
  };
}

function weiOf(text: string): unknown {
  if (typeof text !== "string" || !/^\d+$/.test(text)) throw new TypeError("not an amount");
  return weiValue(BigInt(text));
}

/** JSON objects become maps: no key of a stranger's document, such as `constructor`, can mean anything to the engine. */
function toFact(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(toFact);
  if (typeof json !== "object" || json === null) return json;
  return new Map(Object.entries(json).map(([key, value]) => [key, toFact(value)]));
}
