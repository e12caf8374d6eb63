import { Environment } from "@marcbachmann/cel-js";
import { registerAddress } from "./addressType.ts";
import { registerWei } from "./weiType.ts";

/** The facts that `eligible` may use, with their CEL types; `policies/README.md` explains each. */
export const factTypes = {
  Response: { address: "Address", provider: "Address", payment: "Wei", submittedAt: "int" },
  Task: {
    address: "Address",
    source: "Address",
    payment: "Wei",
    expiryTime: "int",
    deliveryMethod: "string",
    function: "string",
    config: "dyn",
  },
  Source: { address: "Address", client: "Address", minPayment: "Wei", status: "string" },
  Output: { valid: "bool", json: "dyn", text: "string", bytes: "int", cidVerified: "bool", error: "string" },
} as const;

/** The names that an expression starts from. */
export const factVariables = {
  response: "Response",
  task: "Task",
  source: "Source",
  output: "Output",
  now: "int",
} as const;

/** An expression of this size is a program: it belongs into a judge of its own. */
export const expressionLimits = { maxAstNodes: 500, maxDepth: 30 } as const;

/** The environment in which policies are checked and evaluated: the facts, `Wei` and `Address`. */
export function createEnvironment(): Environment {
  const environment = new Environment({ limits: expressionLimits });
  registerWei(environment);
  registerAddress(environment);
  for (const [name, fields] of Object.entries(factTypes)) environment.registerType(name, { fields });
  for (const [name, type] of Object.entries(factVariables)) environment.registerVariable(name, type);
  return environment;
}
