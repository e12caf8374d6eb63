import { Environment } from "@marcbachmann/cel-js";
import { registerAddress } from "./addressType.ts";
import { registerChainTime } from "./chainTime.ts";
import { registerOwnFunctions } from "./ownFunctions.ts";
import { SiblingValue } from "./siblingValue.ts";
import { registerWei } from "./weiType.ts";

/** The facts that expressions may use, with their CEL types; `policies/README.md` explains each. */
export const factTypes = {
  Response: { address: "Address", provider: "Address", payment: "Wei", submittedAt: "int" },
  Task: {
    address: "Address",
    source: "Address",
    payment: "Wei",
    expiryTime: "int",
    expiry: "int",
    deliveryMethod: "string",
    function: "string",
    config: "dyn",
  },
  Source: { address: "Address", client: "Address", minPayment: "Wei", status: "string" },
  Output: {
    valid: "bool",
    json: "dyn",
    text: "string",
    bytes: "int",
    cidVerified: "bool",
    error: "string",
    digest: "string",
  },
  Provider: {
    address: "Address",
    lockup: "Wei",
    eligible: "bool",
    master: "Address",
    seen: "int",
    approved: "int",
    rejected: "int",
    price: "Wei",
  },
  Sibling: { address: "Address", provider: "Address", payment: "Wei", submittedAt: "int", digest: "string" },
} as const;

/** The names that an expression starts from. */
export const factVariables = {
  response: "Response",
  task: "Task",
  source: "Source",
  output: "Output",
  provider: "Provider",
  siblings: "list<Sibling>",
  signals: "map<string, dyn>",
  now: "int",
} as const;

/** An expression of this size is a program: it belongs into a plug-in. */
const expressionLimits = { maxAstNodes: 500, maxDepth: 30 } as const;

/** The environment in which policies are checked and evaluated: the facts, and the types of our own. */
export function createEnvironment(): Environment {
  const environment = new Environment({ limits: expressionLimits });
  registerWei(environment);
  registerAddress(environment);
  registerChainTime(environment);
  registerOwnFunctions(environment);
  for (const [name, fields] of Object.entries(factTypes)) {
    if (name === "Sibling") environment.registerType(name, { ctor: SiblingValue, fields });
    else environment.registerType(name, { fields });
  }
  for (const [name, type] of Object.entries(factVariables)) environment.registerVariable(name, type);
  return environment;
}
