import type { SourceAddress } from "../protocol/brand.ts";
import type { Source } from "../protocol/entities.ts";
import { DeliveryMethod } from "../protocol/statuses.ts";
import type { LoadedPolicies } from "./loadPolicies.ts";
import { policyError } from "./problems.ts";

/**
 * Refuses a policy all of whose sources are FIRST_RESPONSE: the chain confirms those itself, so it would decide nothing.
 *
 * @param readSource `undefined` where there is no such source, or it cannot be read now: then nothing is refused.
 * @throws ConfigError `POLICY_INVALID` that names each such policy's file.
 */
export async function refuseFirstResponse(
  { loaded }: LoadedPolicies,
  readSource: (address: SourceAddress) => Promise<Source | undefined>,
): Promise<void> {
  const problems = [];
  for (const { file, spec } of loaded) {
    const { sources } = spec.match;
    if (sources === undefined) continue;
    const found = await Promise.all([...sources].map((address) => readSource(address).catch(() => undefined)));
    if (!found.every((source) => source?.deliveryMethod === DeliveryMethod.FIRST_RESPONSE)) continue;
    const message = `every source of ${spec.name.value} is FIRST_RESPONSE: the chain confirms those itself`;
    problems.push({ file, line: 1, column: 1, message, hint: "leave the policy out, or name other sources" });
  }
  if (problems.length > 0) throw policyError(problems);
}
