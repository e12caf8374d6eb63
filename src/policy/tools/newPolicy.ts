import { ConfigError } from "../../errors.ts";
import { strategyNames } from "../policySpec.ts";

const rest: Readonly<Record<(typeof strategyNames)[number], string>> = {
  first: `eligible: >-
  output.valid &&
  response.payment <= task.payment.percent(90)
`,
  cheapest: `eligible: output.valid && provider.lockup >= ogpu("1")
window: { for: 2m }
`,
  best: `eligible: output.valid && provider.lockup >= ogpu("1")
# What makes one response better than another; never the document's word about itself.
score: provider.approved - 5 * provider.rejected
window: { for: 2m }
`,
  quorum: `eligible: output.valid
quorum:
  count: 3
  key: output.json.label
  within: 1m
  pick: cheapest
  without: hold
window: { for: 10m }
`,
  manual: `eligible: output.valid
`,
};

/**
 * A policy to start from.
 * @throws ConfigError `USAGE` for a strategy that there is not.
 */
export function newPolicy(strategy: string): string {
  const name = strategyNames.find((known) => known === strategy);
  if (name === undefined) {
    throw new ConfigError(`there is no strategy "${strategy}"`, {
      code: "USAGE",
      remedy: `write ogpu-confirmd policy new ${strategyNames.join(" | ")}`,
    });
  }
  return `# yaml-language-server: $schema=./policy.schema.json
apiVersion: ogpu-confirmd/v1
name: my-${name}
mode: shadow # decides and logs, pays nobody; enforce pays
match:
  functions: [my_function]
caps:
  perTask: "0.05 OGPU"
strategy: ${name}
${rest[name]}`;
}
