import { hash } from "node:crypto";
import type { Response } from "../protocol/entities.ts";
import { DeliveryMethod, SourceStatus, statusName } from "../protocol/statuses.ts";
import type { FactsJson, ResponseJson } from "./factsJson.ts";
import { functionNameOf } from "./matchableOf.ts";
import type { Needs } from "./needs.ts";
import type { Candidate, CandidateResponse, RecordedFacts, Sibling } from "./policyPort.ts";

/** The facts of each response, in the order given: what the policy needs, and no more. Parts that are the same are shared. */
export function gatherFacts(
  candidate: Candidate,
  items: readonly CandidateResponse[],
  needs: Needs,
): readonly FactsJson[] {
  const { now, task, source, config } = candidate;
  const shared = {
    now,
    task: {
      address: task.address,
      source: task.source,
      payment: decimal(task.payment),
      expiryTime: task.expiryTime,
      deliveryMethod: statusName(DeliveryMethod, task.deliveryMethod),
      function: functionNameOf(config.json) ?? "",
      config: needs.config ? config.json : null,
    },
    source: {
      address: source.address,
      client: source.client,
      minPayment: decimal(source.minPayment),
      status: statusName(SourceStatus, source.status),
    },
  };
  const siblings = needs.siblings ? siblingsOf(candidate) : [];
  return items.map((item) => ({
    ...shared,
    response: responseJson(item.response),
    output: {
      valid: item.output.valid,
      json: needs.json ? item.output.json : null,
      text: needs.text ? item.output.text : "",
      bytes: item.output.bytes,
      cidVerified: item.output.cidVerified,
      error: item.output.error,
      digest: item.output.digest,
    },
    ...((needs.stake || needs.history) && { provider: providerJson(item) }),
    ...(needs.siblings && { siblings: siblings.filter(({ address }) => address !== item.response.address) }),
  }));
}

/** An amount as text. @throws TypeError for what is no amount. */
function decimal(amount: bigint): string {
  if (typeof amount !== "bigint") throw new TypeError("not an amount");
  return String(amount);
}

const responseJson = ({ address, provider, payment, submittedAt }: Response): ResponseJson => ({
  address,
  provider,
  payment: decimal(payment),
  submittedAt,
});

function providerJson({ response, provider = {} }: CandidateResponse): NonNullable<FactsJson["provider"]> {
  const { lockup, eligible, master, seen, approved, rejected, price } = provider;
  return {
    address: response.provider,
    ...(lockup !== undefined && { lockup: decimal(lockup) }),
    ...(eligible !== undefined && { eligible }),
    ...(master !== undefined && { master }),
    ...(seen !== undefined && { seen }),
    ...(approved !== undefined && { approved }),
    ...(rejected !== undefined && { rejected }),
    ...(price !== undefined && { price: decimal(price) }),
  };
}

function siblingsOf({ responses, settled = [] }: Candidate): readonly (ResponseJson & { readonly digest: string })[] {
  const all: readonly Sibling[] = [
    ...settled,
    ...responses.map(({ response, output }) => ({ response, digest: output.digest })),
  ];
  return all
    .map(({ response, digest }) => ({ ...responseJson(response), digest }))
    .sort((a, b) => a.submittedAt - b.submittedAt);
}

const maxRecorded = 32 * 1024;

/** Facts for the journal: their digest, and their text without what is too long to keep. */
export function recordFacts(facts: FactsJson): RecordedFacts {
  const text = JSON.stringify(facts);
  const digest = hash("sha256", text);
  if (text.length <= maxRecorded) return { digest, json: text };
  const { siblings: _, ...rest } = facts;
  const short = {
    ...rest,
    task: { ...facts.task, config: null },
    output: { ...facts.output, json: null, text: "" },
    truncated: true,
  };
  const json = JSON.stringify(short);
  return { digest, json: json.length <= maxRecorded ? json : '{"truncated":true}' };
}
