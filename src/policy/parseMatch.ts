import type { AccountAddress, SourceAddress } from "../protocol/brand.ts";
import { DeliveryMethod } from "../protocol/statuses.ts";
import { didYouMean } from "./didYouMean.ts";
import type { MatchSpec } from "./policySpec.ts";
import type { Report } from "./problems.ts";
import { readAddresses, readAmount } from "./readers.ts";
import { type Entries, offsetOf, optionalMap, readTexts, type YamlNode } from "./yamlReader.ts";

/** Reads `match`: which tasks a policy is for. */
export function parseMatch(match: Entries | undefined, report: Report): MatchSpec {
  const functions = match?.get("functions");
  const names = functions ? readTexts(functions, "match.functions", report) : undefined;
  return {
    sources: readAddresses<SourceAddress>(match?.get("sources"), "match.sources", report),
    clients: readAddresses<AccountAddress>(match?.get("clients"), "match.clients", report),
    functions: names && new Set(names.map(({ value }) => value)),
    delivery: readDelivery(match?.get("delivery"), report),
    payment: readPayment(match, report),
  };
}

function readDelivery(node: YamlNode, report: Report): MatchSpec["delivery"] {
  const items = node ? readTexts(node, "match.delivery", report) : undefined;
  if (!items) return undefined;
  const known = Object.keys(DeliveryMethod);
  const numbers = items.flatMap((item) => {
    const number = DeliveryMethod[item.value as keyof typeof DeliveryMethod];
    if (number !== undefined) return [number];
    report(offsetOf(item), `unknown delivery method "${item.value}"`, didYouMean(item.value, known));
    return [];
  });
  if (numbers.length > 0 && numbers.every((number) => number === DeliveryMethod.FIRST_RESPONSE)) {
    const hint = "leave the policy out, or add MANUAL_CONFIRMATION";
    report(offsetOf(node), "FIRST_RESPONSE is confirmed by the chain itself: there is nothing to decide", hint);
  }
  return new Set(numbers);
}

function readPayment(match: Entries | undefined, report: Report): MatchSpec["payment"] {
  const range = optionalMap(match, "payment", "payment", report);
  if (!range) return undefined;
  const min = readAmount(range.get("min"), "match.payment.min", report);
  const max = readAmount(range.get("max"), "match.payment.max", report);
  if (min !== undefined && max !== undefined && min > max) {
    report(offsetOf(range.get("max")), "match.payment.max is below match.payment.min: nothing would match");
  }
  return { min, max };
}
